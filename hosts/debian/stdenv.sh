# As much of nixpkgs' stdenv as crane relies on: hooks of build inputs, phases, and the hooks around them.

set -eo pipefail

export HOME=$NIX_BUILD_TOP TMPDIR=$NIX_BUILD_TOP SOURCE_DATE_EPOCH=1

preConfigureHooks=() postPatchHooks=() preBuildHooks=() postBuildHooks=() postInstallHooks=() preInstallHooks=()
preUnpackHooks=() postUnpackHooks=() prePatchHooks=() postConfigureHooks=() preCheckHooks=() postCheckHooks=()

# Runs what inputs added to a hook, and then the derivation's own.
runHook() {
    local -n added="${1}Hooks"
    local hook
    for hook in "${added[@]}"; do
        "$hook"
    done
    eval "${!1-}"
}

# Runs a phase: the derivation's own text, or what is usual.
phase() {
    if [ -n "${!1-}" ]; then
        eval "${!1}"
    else
        "default_$1"
    fi
}

default_unpackPhase() {
    runHook preUnpack
    local directory
    directory=$(basename "$src")
    # Without the hash of the store.
    directory=${directory#*-}
    cp -r "$src" "$directory"
    chmod -R u+w "$directory"
    sourceRoot=$directory
    runHook postUnpack
}

default_patchPhase() {
    runHook prePatch
    runHook postPatch
}

default_configurePhase() {
    runHook preConfigure
    runHook postConfigure
}

default_buildPhase() { :; }

for input in $nativeBuildInputs; do
    export PATH=$input/bin:$PATH
    if [ -f "$input/nix-support/setup-hook" ]; then
        . "$input/nix-support/setup-hook"
    fi
done

if [ -n "${buildCommand-}" ]; then
    eval "$buildCommand"
else
    phase unpackPhase
    cd "$sourceRoot"
    phase patchPhase
    [ -n "${dontConfigure-}" ] || phase configurePhase
    [ -n "${dontBuild-}" ] || phase buildPhase
    phase installPhase
fi
