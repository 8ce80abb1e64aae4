//! What is live, whether there is a way back to it, and what has landed in S3: adapters joined to one answer. Nothing is
//! recorded here and nothing decided; the flow and the command line both look through these eyes.

pub(crate) mod live;
pub(crate) mod logs;
pub(crate) mod way_back;
