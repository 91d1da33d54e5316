# Files of its tree by every way of asking, what is refused, and load.
let
  index.length = 612;
  mebibyte = {
    path = "/files/1MiB.txt";
    length = 1048576;
    sha256 = "107b265e8f4929e55502f5983fa1aeecf470db365011336380497fbf43603339";
  };
  malformed = raw: {
    inherit raw;
    status = 400;
  };
in
{
  http = [
    (
      index
      // {
        text = "<title>";
        headers = {
          "content-length" = "612";
          "content-type" = "text/html; charset=utf-8";
          "connection" = "keep-alive";
        };
      }
    )
    (index // { path = "/index.html"; })
    mebibyte
    {
      method = "HEAD";
      length = 0;
      headers."content-length" = "612";
    }
    {
      path = "/files/1MiB.txt";
      requestHeaders.Range = "bytes=1048560-";
      status = 206;
      text = "0123456789abcde\n";
      length = 16;
      headers."content-range" = "bytes 1048560-1048575/1048576";
    }
    {
      path = "/files/1MiB.txt";
      requestHeaders.Range = "bytes=1048576-";
      status = 416;
      headers."content-range" = "bytes */1048576";
    }
    {
      requestHeaders.If-Modified-Since = "Thu, 01 Jan 1970 00:00:00 GMT";
      status = 304;
      length = 0;
    }
    {
      path = "/missing";
      status = 404;
    }
    {
      path = "/../../etc/passwd";
      status = 404;
    }
    {
      method = "POST";
      body = "x=1";
      status = 405;
      headers.allow = "GET, HEAD";
    }
    {
      path = "/files";
      status = 301;
      headers.location = "/files/";
    }
    (malformed "GET\r\n\r\n")
    (malformed "GET / HTTP/1.1\r\n\r\n")
    (malformed "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n")
    (malformed "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 2\r\n\r\n")
    (malformed "Good morning\r\n\r\n")
    (malformed "GET / HTTP/1.1\r\nHost : h\r\n\r\n")
    {
      raw = "GET / HTTP/3.0\r\nHost: h\r\n\r\n";
      status = 505;
    }
  ];
  load = {
    sequence = 10000;
    connections = 200;
  };
  absent = [ "panic" ];
}
