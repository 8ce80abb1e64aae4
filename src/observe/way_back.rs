//! One look at the way back: the task definition that serves, the images that its service revision recorded, and
//! whether the registries still have them. It never fails: what could not be read was not looked at.

use std::time::Duration;

use futures_util::future::join_all;

use crate::aws::{Aws, Failure};
use crate::config::ServiceArn;
use crate::head::Head;
use crate::plan::way_back::{ImageId, NeededImage, Needs, RecordedImage, RegistryImage, Repository, Seen, WayBack};

/// How long a look may take: a release waits no longer for what it can do without.
const LOOK: Duration = Duration::from_secs(10);

/// The revision that serves, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Serving {
    /// The service revision, by ARN.
    pub(crate) revision: String,
    /// The ARN of its task definition.
    pub(crate) task_definition_arn: String,
    /// What the task definition says; `None` where it was not read.
    pub(crate) needs: Option<Needs>,
    /// What the service revision recorded; `None` where it was not read.
    recorded: Option<Vec<RecordedImage>>,
    /// An image that was looked for already.
    known: Option<(RegistryImage, Seen)>,
}

impl Serving {
    /// A revision of which nothing was read.
    pub(crate) fn unread(revision: String, task_definition_arn: String) -> Self {
        Self { revision, task_definition_arn, needs: None, recorded: None, known: None }
    }
}

/// Reads what a look needs beside the desired task definition, all at once: what the service revision recorded, the task
/// definition that serves where another one is desired, and whether the registry has the image that the head remembers
/// of it. What could not be read is left to the look.
pub(crate) async fn read_ahead(
    aws: &Aws,
    service: &ServiceArn,
    head: Option<&Head>,
    is_desired: bool,
    serving: &mut Serving,
) {
    let Serving { revision, task_definition_arn, .. } = &*serving;
    let recorded = async {
        let mut described = aws.service_revisions(service, std::slice::from_ref(revision)).await.ok()?;
        described.pop().map(|revision| revision.images)
    };
    let needs = async {
        let described = aws.described_definition(service.region(), task_definition_arn);
        if is_desired { None } else { Some(described.await.ok()?.needs()) }
    };
    let known = async {
        let image = head?.memory.image_of(task_definition_arn).and_then(RegistryImage::named)?;
        let mut seen = aws.present(&image.repository, &[&image.id]).await.ok()?;
        Some((image, seen.pop()?))
    };
    let reading = Box::pin(async { tokio::join!(recorded, needs, known) });
    if let Ok(read) = tokio::time::timeout(LOOK, reading).await {
        (serving.recorded, serving.needs, serving.known) = read;
    }
}

/// Looks at the way back to what serves.
pub(crate) async fn look(aws: &Aws, service: &ServiceArn, serving: Serving) -> WayBack {
    let Serving { revision, task_definition_arn, needs, recorded, known } = serving;
    let looking = async {
        let needs = match needs {
            Some(needs) => needs,
            None => aws.described_definition(service.region(), &task_definition_arn).await?.needs(),
        };
        let needs = pinned(aws, service, &revision, recorded, needs).await;
        let seen = seen(aws, &needs, known).await;
        Ok::<_, Failure>(WayBack::of(&task_definition_arn, &needs, &seen))
    };
    match tokio::time::timeout(LOOK, looking).await {
        Ok(Ok(found)) => found,
        Ok(Err(failure)) => WayBack::not_looked_at_all(&task_definition_arn, failure.to_string()),
        Err(_) => WayBack::not_looked_at_all(&task_definition_arn, format!("no answer within {} s", LOOK.as_secs())),
    }
}

/// The needs with the digests that the service revision recorded, where an image is named by its tag.
async fn pinned(
    aws: &Aws,
    service: &ServiceArn,
    revision: &String,
    recorded: Option<Vec<RecordedImage>>,
    mut needs: Needs,
) -> Needs {
    if !needs.has_tags() {
        return needs;
    }
    if let Some(recorded) = recorded {
        needs.pin(&recorded);
        return needs;
    }
    match aws.service_revisions(service, std::slice::from_ref(revision)).await {
        Ok(described) => described.iter().for_each(|described| needs.pin(&described.images)),
        Err(failure) => needs.leave_tags_out(&failure.to_string()),
    }
    needs
}

/// What the registries have of the images, in their order: one call for each repository, side by side, but none for what
/// is known.
async fn seen(aws: &Aws, needs: &Needs, known: Option<(RegistryImage, Seen)>) -> Vec<Seen> {
    let mut repositories: Vec<(&Repository, Vec<&ImageId>)> = Vec::new();
    for image in needs.images.iter().filter_map(|needed| needed.place.as_ref().ok()) {
        if known.as_ref().is_some_and(|(known, _)| known == image) {
            continue;
        }
        let RegistryImage { repository, id } = image;
        match repositories.iter_mut().find(|(other, _)| *other == repository) {
            Some((_, ids)) => ids.push(id),
            None => repositories.push((repository, vec![id])),
        }
    }
    let asked = repositories.into_iter().map(|(repository, ids)| async move {
        let answer = aws.present(repository, &ids).await;
        let seen = answer.unwrap_or_else(|failure| vec![Seen::NotLookedAt(failure.to_string()); ids.len()]);
        ids.into_iter().map(|id| RegistryImage { repository: repository.clone(), id: id.clone() }).zip(seen).collect()
    });
    let answers: Vec<Vec<(RegistryImage, Seen)>> = join_all(asked).await;
    let answers: Vec<_> = answers.into_iter().flatten().chain(known).collect();
    let of = |NeededImage { place, .. }: &NeededImage| match place {
        Err(reason) => Seen::NotLookedAt(reason.clone()),
        Ok(image) => {
            let answer = answers.iter().find(|(other, _)| other == image).map(|(_, seen)| seen.clone());
            answer.unwrap_or_else(|| Seen::NotLookedAt("the registry does not say".to_owned()))
        }
    };
    needs.images.iter().map(of).collect()
}

#[cfg(all(test, feature = "cli"))] // the sandbox brings the paused clock
mod tests {
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_runtime_api::client::http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

    use super::*;
    use crate::aws::Clock;

    /// A network that takes every request and answers none.
    #[derive(Clone, Debug)]
    struct Silence;

    impl HttpConnector for Silence {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::new(std::future::pending())
        }
    }

    impl HttpClient for Silence {
        fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
            SharedHttpConnector::new(self.clone())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_gets_no_answer_is_given_up() {
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(Silence)
            .build();
        let aws = Aws::new(config, Clock::from_fn(|| jiff::Timestamp::UNIX_EPOCH));
        let service = ServiceArn::parse("arn:aws:ecs:eu-west-1:123456789012:service/default/web").unwrap();
        let definition = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7";
        let mut serving = Serving::unread("revision".to_owned(), definition.to_owned());
        read_ahead(&aws, &service, None, false, &mut serving).await;
        let found = look(&aws, &service, serving).await;
        assert_eq!(found.not_looked_at().unwrap(), "to web:7, not looked at: no answer within 10 s");
    }
}
