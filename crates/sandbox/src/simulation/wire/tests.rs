//! What a client meets on this wire: it waits until it is let go, gives up on virtual time, and tries again.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use tokio::task::JoinHandle;

use super::*;
use crate::Options;
use crate::seed::STATE_BUCKET;
use crate::server::{Outcome, answer};
use crate::state::World;

/// How long an attempt of the client may take, and a call with all its attempts.
const ATTEMPT: Duration = Duration::from_secs(10);
const CALL: Duration = Duration::from_secs(25);

struct Scene {
    world: World,
    wire: Arc<Wire>,
    call: JoinHandle<bool>,
}

/// A client that stores an object.
fn scene() -> Scene {
    let world = World::new(&Options::default(), "http://127.0.0.1:1".to_owned());
    world.clock.run_with_the_runtime();
    world.buckets.create(STATE_BUCKET);
    let wire = Arc::new(Wire::new(world.clock.clone()));
    let line = Line { wire: Arc::clone(&wire), caller: Caller { execution: 0, invocation: 1 } };
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("ap-northeast-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new("A", "b", None, None, "test")))
        .endpoint_url(&world.endpoint)
        .retry_config(RetryConfig::standard())
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(CALL).build())
        .sleep_impl(Pauses::new(Dice::new(1)))
        .time_source(Time(world.clock.clone()))
        .http_client(line)
        .build();
    let client = aws_sdk_s3::Client::new(&config);
    let call = tokio::spawn(async move {
        let put = client.put_object().bucket(STATE_BUCKET).key("a").body(ByteStream::from_static(b"text"));
        put.send().await.is_ok()
    });
    Scene { world, wire, call }
}

async fn pass(span: Duration) {
    #[expect(clippy::disallowed_methods, reason = "the runtime's time is virtual")]
    tokio::time::sleep(span).await;
}

impl Scene {
    /// The calls that are held, by number.
    fn numbers(&self) -> Vec<u64> {
        let mut numbers = Vec::new();
        self.wire.retain(|held| {
            numbers.push(held.number);
            true
        });
        numbers
    }

    fn serve(&self, held: &Held) -> Reply {
        let Outcome::Reply(reply) = answer(&self.world, &held.request) else { panic!("no reply") };
        reply
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_acts_when_it_is_let_go_and_not_before() {
    let scene = scene();
    pass(Duration::from_secs(5)).await;
    assert_eq!(scene.numbers(), [1]);
    assert_eq!(scene.world.buckets.get(STATE_BUCKET, "a"), None);
    let held = scene.wire.take(1).unwrap();
    assert_eq!((held.operation.as_str(), held.sent), ("PutObject", held.sent));
    let reply = scene.serve(&held);
    assert_eq!(scene.world.buckets.get(STATE_BUCKET, "a"), Some(b"text".to_vec()));
    assert!(!scene.call.is_finished());
    held.end(Ok(reply));
    assert!(scene.call.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_is_given_up_after_ten_seconds_and_sent_again() {
    let scene = scene();
    pass(Duration::from_millis(9_990)).await;
    assert_eq!(scene.numbers(), [1]);
    pass(Duration::from_millis(2_100)).await;
    assert_eq!(scene.numbers(), [1, 2]);
    let first = scene.wire.take(1).unwrap();
    assert!(first.is_orphan());
    // The first one may still act.
    assert_eq!(scene.serve(&first).status, 200);
    pass(Duration::from_mins(1)).await;
    assert!(!scene.call.await.unwrap(), "the call as a whole has 25 seconds");
}

#[tokio::test(start_paused = true)]
async fn a_reset_call_is_sent_again() {
    let scene = scene();
    pass(Duration::from_millis(1)).await;
    scene.wire.take(1).unwrap().end(Err(Broken));
    pass(Duration::from_millis(2_001)).await;
    let held = scene.wire.take(2).unwrap();
    let reply = scene.serve(&held);
    held.end(Ok(reply));
    assert!(scene.call.await.unwrap());
}
