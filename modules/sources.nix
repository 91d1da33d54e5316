# Types of the options under `app.source`.
{ lib }:
let
  inherit (builtins) isAttrs isString;

  isPin =
    value:
    isAttrs value
    && isString (value.sha256 or null)
    && builtins.match "[0-9a-f]{64}" value.sha256 != null
    && (isString (value.url or null) || isString (value.debian or null))
    && removeAttrs value [ "url" "debian" "sha256" ] == { };

  isSrc = value: lib.types.path.check value || isPin value;
  isBuild = value: isAttrs value && value._type or null == "builder";

  type =
    name: description: check:
    lib.mkOptionType {
      inherit name description check;
      merge = lib.mergeOneOption;
    };
in
{
  src = type "source" "directory, archive, or `{ url, sha256 }` of an archive (with `debian`, its place on mirrors of Debian)" isSrc;

  build = type "builder" "what one of `builders` gives" isBuild;

  library = type "library" "library: `{ name, src, build }`" (
    value:
    isAttrs value
    && isString (value.name or null)
    && isSrc (value.src or null)
    && isBuild (value.build or null)
    && removeAttrs value [ "name" "src" "build" ] == { }
  );
}
