//! The routes, and what every request goes through: admission first, metrics last.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_ENCODING;
use axum::http::{Method, Response, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::{get, post, put};
use headwater_kernel::error::{Error, Kind};
use tokio::time::Instant;
use tower::{ServiceExt, service_fn};
use tower_http::decompression::RequestDecompression;

use super::state::{App, Class};
use super::{events, feast, features, letters, operations, reply, training};
use headwater_kernel::near;

/// Every route with its class; the names of the metrics and of hints.
const ROUTES: [(&str, Class); 13] = [
    ("/v1/features", Class::Read),
    ("/get-online-features", Class::Read),
    ("/v1/events/{stream}", Class::Write),
    ("/v1/tables/{table}", Class::Write),
    ("/v1/training-sets", Class::Training),
    ("/v1/dead-letters/{stream}", Class::Read),
    ("/v1/dead-letters/{stream}/{id}", Class::Read),
    ("/v1/dead-letters/{stream}/{id}/replay", Class::Write),
    ("/v1/dead-letters/{stream}/{id}/discard", Class::Write),
    ("/v1/status", Class::Operation),
    ("/health", Class::Operation),
    ("/ready", Class::Operation),
    ("/metrics", Class::Operation),
];

/// What the metrics call a request that no route takes.
const UNMATCHED: &str = "unmatched";

/// All routes over `app`.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/features", post(features::features))
        .route("/get-online-features", post(feast::get_online_features))
        .route("/v1/training-sets", post(training::training_set))
        .route("/v1/events/{stream}", post(events::push))
        .route("/v1/tables/{table}", put(events::put))
        .route("/v1/dead-letters/{stream}", get(letters::list))
        .route("/v1/dead-letters/{stream}/{id}", get(letters::show))
        .route("/v1/dead-letters/{stream}/{id}/replay", post(letters::replay))
        .route("/v1/dead-letters/{stream}/{id}/discard", post(letters::discard))
        .route("/v1/status", get(operations::status))
        .route("/health", get(operations::health))
        .route("/ready", get(operations::ready))
        .route("/metrics", get(operations::metrics))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&app), measured))
        .with_state(app)
}

/// Lets a request in or turns it away, and counts it.
async fn measured(State(app): State<Arc<App>>, request: Request, next: Next) -> Response<Body> {
    let started = Instant::now();
    let matched = request.extensions().get::<MatchedPath>();
    let (route, class) = matched
        .and_then(|path| ROUTES.iter().find(|(route, _)| *route == path.as_str()))
        .copied()
        .unwrap_or((UNMATCHED, Class::Operation));
    // Given back when the reply is made, or when the client goes away.
    let _in_flight = InFlight::new(&app);
    let bound = match class {
        Class::Read => Some(&app.reads),
        Class::Write => Some(&app.writes),
        Class::Training => Some(&app.trainings),
        Class::Operation => None,
    };
    let admitted = match bound {
        Some(bound) => app.admitting().and_then(|()| bound.take(1).map(Some)),
        None => Ok(None),
    };
    let response = match admitted {
        Ok(_share) => decompressed(request, next).await,
        Err(error) => reply::error(&error),
    };
    app.metrics.answered(route, response.status().as_u16(), started.elapsed());
    response
}

/// Hands a request on with its body as it was before compression.
///
/// Only what says that it is compressed takes the way through the decoder. An encoding that is not
/// known is left to `body::read`, which refuses it by name.
async fn decompressed(request: Request, next: Next) -> Response<Body> {
    if !request.headers().contains_key(CONTENT_ENCODING) {
        return next.run(request).await;
    }
    let inner = service_fn(move |request: axum::http::Request<_>| {
        let next = next.clone();
        async move { Ok::<_, Infallible>(next.run(request.map(Body::new)).await) }
    });
    let decompressing = RequestDecompression::new(inner).pass_through_unaccepted(true);
    let Ok(response) = decompressing.oneshot(request).await;
    response.map(Body::new)
}

struct InFlight<'a>(&'a App);

impl<'a> InFlight<'a> {
    fn new(app: &'a App) -> Self {
        app.metrics.began();
        Self(app)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.metrics.ended();
    }
}

async fn unknown_route(uri: Uri) -> Response<Body> {
    let path = near::shown(uri.path());
    reply::error(
        &Error::new(Kind::NotFound, "unknown_route", format!("there is no route {path}"))
            .with_hint(near::hint(uri.path(), ROUTES.iter().map(|(route, _)| *route))),
    )
}

async fn wrong_method(method: Method, uri: Uri) -> Response<Body> {
    let path = near::shown(uri.path());
    reply::error(&Error::new(
        Kind::Invalid,
        "method_not_allowed",
        format!("{path} does not take {method}"),
    ))
}
