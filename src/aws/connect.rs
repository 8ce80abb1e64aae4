//! The HTTP client that every SDK client of a function shares, so that connections and root certificates exist once,
//! and only from the first call on. It knows nothing of AWS's protocols.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// HTTPS over rustls, through the proxy that the environment names, as the SDK's default client does it, but without
/// that client's warming up: the default one parses the root certificates whenever an SDK client is made, which is most
/// of what a start would take, and most of those clients (for other sources of credentials) never make a call.
#[derive(Default)]
pub(super) struct OnFirstCall {
    connectors: Mutex<HashMap<Timeouts, SharedHttpConnector>>,
}

/// A connector keeps its timeouts to itself, so there is one for each pair: to connect, to read.
type Timeouts = (Option<Duration>, Option<Duration>);

impl HttpClient for OnFirstCall {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        // A panic while connecting leaves the map as it was, so a poisoned lock is as good as a clean one.
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let timeouts = (settings.connect_timeout(), settings.read_timeout());
        let connector = connectors.entry(timeouts).or_insert_with(|| {
            let mut connector = Connector::builder()
                .connector_settings(settings.clone())
                .proxy_config(ProxyConfig::from_env())
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc));
            connector.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(connector.build())
        });
        connector.clone()
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some("1.x".into())))
    }
}

impl fmt::Debug for OnFirstCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnFirstCall")
    }
}
