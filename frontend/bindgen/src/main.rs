//! `bindgen FRONTEND.WASM FOLDER`: makes modules that browsers load as they are. `sendmux.js` and `sendmux_bg.wasm` are
//! loaded first; the other `.wasm` files are the parts that `#[wasm_split]` marks, which `__wasm_split.js` fetches when they
//! are needed. The names of these hold a hash of the program: a page that is left open over an update gets no part of another
//! version, but none at all.

use anyhow::{Context, anyhow};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

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
    std::fs::remove_file(&first).context("cannot remove what was bound")?;
    name_parts(&folder, &input)
}

/// Puts the hash of the program into the names of the parts, in the folder and in the script that fetches them.
fn name_parts(folder: &Path, program: &[u8]) -> anyhow::Result<()> {
    let mut hasher = DefaultHasher::new();
    program.hash(&mut hasher);
    let version = hasher.finish();
    let loader = folder.join("__wasm_split.js");
    let mut script = std::fs::read_to_string(&loader).with_context(|| format!("cannot read {}", loader.display()))?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(part) = name.strip_suffix(".wasm").filter(|part| *part != "sendmux_bg") else {
            continue;
        };
        let versioned = format!("{part}.{version:016x}.wasm");
        anyhow::ensure!(script.contains(&name), "{} does not fetch {name}", loader.display());
        script = script.replace(&name, &versioned);
        std::fs::rename(&path, folder.join(&versioned)).with_context(|| format!("cannot rename {name}"))?;
    }
    std::fs::write(&loader, script).with_context(|| format!("cannot write {}", loader.display()))
}
