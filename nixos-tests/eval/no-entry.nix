# An application without a crate.
{
  modules = [ { app.needs = [ "clock-tick" ]; } ];
  problems = [
    "the application has no entry: set `app.crate` to the directory of its crate (`app.crate = ./.`)"
  ];
}
