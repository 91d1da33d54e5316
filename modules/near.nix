# The name that was probably meant: nearest by edit distance, where a swap of neighbours counts as one edit.
{ lib }:
let
  inherit (builtins)
    elemAt
    foldl'
    genList
    length
    sort
    stringLength
    substring
    ;

  charAt = string: index: substring index 1 string;

  min = foldl' lib.min;

  # One row of the table of distances between the prefixes of `a` and `b`; `rows` holds those above it, last first.
  nextRow =
    a: b: rows: i:
    let
      above = elemAt rows 0;
      step =
        row: j:
        let
          changed = if charAt a (i - 1) == charAt b (j - 1) then 0 else 1;
          swapped =
            i > 1 && j > 1 && charAt a (i - 1) == charAt b (j - 2) && charAt a (i - 2) == charAt b (j - 1);
          distance = min (elemAt above j + 1) (
            [
              (elemAt row (j - 1) + 1)
              (elemAt above (j - 1) + changed)
            ]
            ++ lib.optional swapped (elemAt (elemAt rows 1) (j - 2) + 1)
          );
        in
        row ++ [ distance ];
    in
    [ (foldl' step [ i ] (lib.range 1 (stringLength b))) ] ++ rows;

  distance =
    a: b:
    let
      first = genList (j: j) (stringLength b + 1);
      rows = foldl' (nextRow a b) [ first ] (lib.range 1 (stringLength a));
    in
    lib.last (elemAt rows 0);

  # More edits than a third of the letters make another word, not a slip.
  tolerated = name: lib.max 1 (stringLength name / 3);
in
rec {
  # The nearest of `names`, or null where none is near.
  nearest =
    name: names:
    let
      measured = map (candidate: {
        inherit candidate;
        distance = distance name candidate;
      }) names;
      fitting = lib.filter (m: m.distance <= tolerated name) measured;
      sorted = sort (x: y: x.distance < y.distance) fitting;
    in
    if length sorted == 0 then null else (elemAt sorted 0).candidate;

  # The question that helps where one is near, and `otherwise` where none is.
  meantOr =
    name: names: otherwise:
    let
      meant = nearest name names;
    in
    if meant == null then otherwise else "did you mean `${meant}`?";
}
