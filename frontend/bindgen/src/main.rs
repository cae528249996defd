//! `bindgen FRONTEND.WASM FOLDER`: makes `sendmux.js` and `sendmux_bg.wasm`, a module that browsers load as it is.

use anyhow::Context;
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(wasm), Some(folder), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: bindgen FRONTEND.WASM FOLDER");
    };
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen
        .input_path(&wasm)
        .web(true)?
        .typescript(false)
        .out_name("sendmux");
    bindgen
        .generate(&folder)
        .with_context(|| format!("cannot bind {}", wasm.display()))
}
