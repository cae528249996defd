//! Keeps relocations in the module, by which `wasm-split-cli` takes it apart (see `.make/front`).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-cdylib=--emit-relocs");
}
