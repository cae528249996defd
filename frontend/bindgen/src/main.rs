//! `bindgen FRONTEND.WASM FOLDER`: makes modules that browsers load as they are. `sendmux.js` and `sendmux_bg.wasm` are
//! loaded first; the other `.wasm` files are the parts that `#[wasm_split]` marks, which `__wasm_split.js` fetches when they
//! are needed.

use anyhow::{Context, anyhow};
use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(wasm), Some(folder), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: bindgen FRONTEND.WASM FOLDER");
    };
    let input = std::fs::read(&wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let first = folder.join("first.wasm");
    let mut options = wasm_split_cli_support::Options::new(&input);
    options.output_dir = &folder;
    options.main_out_path = &first;
    options.main_module = "./sendmux.js";
    wasm_split_cli_support::transform(options).map_err(|error| anyhow!("cannot split {}: {error:#}", wasm.display()))?;
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen
        .input_path(&first)
        .web(true)?
        .typescript(false)
        // The parts find each other by the names that the linker gave.
        .keep_lld_exports(true)
        .demangle(false)
        .out_name("sendmux");
    bindgen
        .generate(&folder)
        .with_context(|| format!("cannot bind {}", wasm.display()))?;
    std::fs::remove_file(&first).context("cannot remove what was bound")
}
