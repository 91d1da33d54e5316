# The page, a file, what is refused, and load on few threads.
let
  notes = {
    path = "/files/notes.txt";
    length = 63;
    text = "which std::fs::read finds in the root image";
  };
in
{
  console = [ "std-web: 8 threads answer at 0.0.0.0:80" ];
  absent = [ "panicked" ];
  http = [
    {
      text = "answered by worker ";
      headers = {
        "connection" = "keep-alive";
        "content-type" = "text/html; charset=utf-8";
      };
    }
    (notes // { headers."content-type" = "text/plain; charset=utf-8"; })
    (
      notes
      // {
        requestHeaders.Connection = "close";
        headers."connection" = "close";
      }
    )
    {
      inherit (notes) path;
      method = "HEAD";
      length = 0;
      headers."content-length" = "63";
    }
    {
      path = "/files/absent";
      status = 404;
    }
    {
      path = "/files/../../etc/passwd";
      status = 404;
    }
    {
      method = "DELETE";
      status = 405;
      headers."allow" = "GET, HEAD";
    }
    {
      raw = "Good morning\r\n\r\n";
      status = 400;
    }
    {
      method = "POST";
      body = "x=1";
      status = 400;
    }
  ];
  # Each of those at once keeps a thread.
  load = {
    inherit (notes) path;
    sequence = 1000;
    connections = 6;
    visits = 100;
  };
  slow = {
    inherit (notes) path;
    connections = 4;
  };
  timeoutSeconds = 180;
}
