# Pages of the repository that are written from what they speak of: path to text.
{
  lib,
  root,
  optionsPage,
  supportPage,
  supportMatrix,
}:
let
  inherit (builtins)
    attrNames
    concatStringsSep
    filter
    map
    readDir
    readFile
    ;

  dependencies = root + "/docs/dependencies.d";

  section = file: "## ${lib.removeSuffix ".md" file}\n\n${readFile (dependencies + "/${file}")}";

  dependenciesPage = ''
    # Dependencies

    Libraries of others that the pool uses, by who uses them: licence, and what each replaces. Written from
    `docs/dependencies.d`; a change here is lost.

    ${concatStringsSep "\n" (map section (attrNames (readDir dependencies)))}'';

  # "kvm-x86_64" to "x86_64".
  archOf = platform: target: "`${lib.removePrefix "${platform}-" target}`";

  platformRow =
    { room, summary, targets, ... }:
    "| `${room}` | ${summary} | ${concatStringsSep ", " (map (archOf room) targets)} |\n";

  platforms = filter (room: room.kind == "platform") supportMatrix.rooms;

  matrix = ''
    | platform | what an image is there | architectures |
    |---|---|---|
    ${concatStringsSep "" (map platformRow platforms)}'';

  # What stands between the markers of README.md is replaced, the rest is written by hand.
  begin = "<!-- support matrix: written from the rooms, a change here is lost -->\n";
  end = "<!-- end of support matrix -->";

  readme =
    let
      text = readFile (root + "/README.md");
      before = lib.head (lib.splitString begin text);
      after = lib.last (lib.splitString end text);
    in
    before + begin + matrix + end + after;
in
{
  "README.md" = readme;
  "docs/src/reference/dependencies.md" = dependenciesPage;
  "docs/src/reference/options.md" = optionsPage;
  "docs/src/reference/support.md" = supportPage;
}
