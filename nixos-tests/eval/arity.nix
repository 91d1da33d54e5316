# What each arity is bound to: the default for one, whoever is in the image for optional and many.
{ bindings, ... }:
{
  unikernel = {
    app.needs = [
      "radio"
      "thermometer"
    ];
    libs = {
      gauge.enable = true;
      mercury.enable = true;
      scribe.enable = true;
      town-crier.enable = true;
    };
  };
  show = bindings;
  shown = [
    "z80"
    "board"
    "mercury"
    "town-crier"
    "scribe"
    "gauge listener=scribe,town-crier thermometer=mercury"
    "radio-short"
    "app radio=radio-short thermometer=mercury"
  ];
}
