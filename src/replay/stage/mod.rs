//! Where transcripts are played: hotlines in this process, or one that runs.

mod in_process;
mod log;
mod remote;
mod set;

pub use in_process::InProcess;
pub use remote::Remote;
pub use set::{Origin, Set, Sets};
