//! Clips, for platforms and browsers that play them: each under the hash of its file, so that it never changes and is fetched
//! once. Nothing of any caller is in them, and no address tells whose balance it is a part of.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::speech::language::Language;
use crate::voice::Library;

/// `GET` and `HEAD /prompts/{language}/{hash}.wav`.
pub fn router(library: Library) -> Router {
    Router::new().route("/prompts/{language}/{file}", get(clip)).with_state(library)
}

/// What is under a hash stays so: nobody need ask again.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// What a sound is.
const WAV: HeaderValue = HeaderValue::from_static("audio/wav");

async fn clip(
    State(library): State<Library>,
    Path((language, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some((sound, hash)) = find(&library, &language, &file) else { return missing() };
    let Ok(tag) = HeaderValue::try_from(format!("\"{hash}\"")) else { return missing() };
    let lasting = [(header::CACHE_CONTROL, FOR_EVER), (header::ETAG, tag)];
    if is_known(&headers, hash) {
        return (StatusCode::NOT_MODIFIED, lasting).into_response();
    }
    (lasting, [(header::CONTENT_TYPE, WAV)], Bytes::from_owner(sound)).into_response()
}

fn missing() -> Response {
    // Not for ever: a clip may be built meanwhile.
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()
}

/// What the library has under the name `file`, and its hash.
fn find<'f>(library: &Library, language: &str, file: &'f str) -> Option<(Arc<[u8]>, &'f str)> {
    let language = language.parse::<Language>().ok()?;
    let hash = file.strip_suffix(".wav")?;
    Some((library.sound(language, hash)?, hash))
}

/// Whether whoever asks has the file already. Their tags may be marked as weak by what stands between.
fn is_known(headers: &HeaderMap, hash: &str) -> bool {
    let told = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    told.flat_map(|tags| tags.split(',')).any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.trim_start_matches("W/").trim_matches('"') == hash
    })
}
