//! The extension module `headwater._native`: arguments, lock release and errors.
//!
//! It exists so that Python calls the data plane in Arrow batches and bytes. It holds no logic: what
//! a value means is decided below, what a user sees above.

mod backend;
mod c_stream;
mod capsules;
mod engine;
mod errors;
mod frame;
mod interrupt;
mod payload;
mod rows;
mod server;
mod training;
mod values;

use pyo3::prelude::*;

/// The data plane of Headwater.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<frame::Frame>()?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<server::Server>()?;
    module.add_function(wrap_pyfunction!(training::point_in_time, module)?)?;
    warn_of_debug_build(module.py())
}

/// Figures of a debug build mislead: say so where it is imported.
#[cfg(debug_assertions)]
fn warn_of_debug_build(py: Python<'_>) -> PyResult<()> {
    let category = py.get_type::<pyo3::exceptions::PyRuntimeWarning>();
    PyErr::warn(py, &category, c"headwater runs a debug build: build it with --release", 1)
}

#[cfg(not(debug_assertions))]
#[expect(clippy::unnecessary_wraps, reason = "the debug build's twin can fail")]
fn warn_of_debug_build(_: Python<'_>) -> PyResult<()> {
    Ok(())
}
