//! The function under simulation, as `src/main.rs` makes it on Lambda: the one place where the simulation meets the
//! product.

use std::sync::Arc;

use express_deployer::aws::{Aws, Clock};
use express_deployer::config::Config;
use express_deployer::release::{self, Configured, Deployer};
use sandbox::simulation::{Process, Service, ServiceFuture};

const CONFIG: &str = include_str!("../../../deployer.example.toml");

/// What one new process of the function has.
pub(crate) fn new(process: Process) -> Service {
    let Process { sdk_config, clock, downloads } = process;
    let sdk_config = sdk_config.into_builder().timeout_config(Aws::time_limits()).build();
    let aws = Aws::new(sdk_config, Clock::from_fn(move || clock.now())).with_downloads(downloads);
    let config = Config::parse(CONFIG).map_or_else(|_| Configured::Unusable(CONFIG.to_owned()), Configured::from);
    match release::handler(Deployer { config, aws, metrics: |_| {} }) {
        Ok(service) => Arc::new(move |event| -> ServiceFuture { service(event) }),
        Err(error) => {
            let message = format!("the engine's options are refused: {error}");
            Arc::new(move |_| -> ServiceFuture {
                let message = message.clone();
                Box::pin(async move { Err(message.into()) })
            })
        }
    }
}
