//! What happens to every request, from the outside in: it gets an [id](request) and a span, its
//! answer gets [headers](headers), its deed a row in the [audit log](trail)
//! unless the disk [forbids it](read_only), its error or panic
//! a [body](failure).

pub mod failure;
pub mod headers;
pub mod read_only;
pub mod request;
pub mod trail;
