# Files by every way of asking, what is refused, load, slow clients, a large file, and an end in the middle of that.
{
  packTree,
  made,
  ...
}:
let
  line = "0123456789abcde\n";
  mebibyte = {
    path = "/files/1MiB.txt";
    length = 1048576;
    sha256 = "107b265e8f4929e55502f5983fa1aeecf470db365011336380497fbf43603339";
  };
  # A root image that comes with the start: the site with a file of so many lines.
  siteWith =
    name: lines:
    "${packTree (made ''
      mkdir -p $out/etc/nginx $out/srv/www/files
      cp ${./nginx.conf} $out/etc/nginx/nginx.conf
      cp ${./site/index.html} $out/srv/www/index.html
      yes 0123456789abcde | head -n ${toString lines} > $out/srv/www/files/${name}
    '')}";
  index = {
    length = 612;
    text = "<title>nginx";
  };
in
map (
  scenario:
  scenario
  // {
    absent = [
      "[alert]"
      "[crit]"
      "[emerg]"
    ];
  }
) [
  {
    name = "a large file";
    initrd = siteWith "100MiB.txt" 6553600;
    memoryMiB = 192;
    http = [
      {
        path = "/files/100MiB.txt";
        length = 104857600;
        sha256 = "f45843eacc6bc4b48a84e80779ca90e4a6d898ccf70baf3cd5fd07ed6fc9266d";
      }
    ];
    interrupted.path = "/files/100MiB.txt";
    stop = true;
    lastWords = [
      "signal 15 (SIGTERM) received, exiting"
      "exit"
    ];
    timeoutSeconds = 240;
  }
  {
    name = "its own site";
    console = [ "nginx/1.22.1" ];
    http = [
      (
        index
        // {
          headers = {
            "content-length" = "612";
            "content-type" = "text/html";
            "connection" = "keep-alive";
            "server" = "nginx";
          };
        }
      )
      (index // { path = "/index.html"; })
      (
        index
        // {
          compressed = true;
          headers."content-encoding" = "gzip";
        }
      )
      {
        method = "HEAD";
        length = 0;
        headers."content-length" = "612";
      }
      {
        requestHeaders.If-Modified-Since = "Thu, 01 Jan 1970 00:00:00 GMT";
        status = 304;
        length = 0;
      }
      {
        path = "/missing";
        status = 404;
        text = "404 Not Found";
      }
      {
        path = "/../../etc/passwd";
        status = 400;
      }
      {
        method = "POST";
        body = "x=1";
        status = 405;
      }
      {
        raw = "Good morning\r\n\r\n";
        status = 400;
      }
      {
        raw = "GET / HTTP/1.1\r\n\r\n";
        status = 400;
      }
    ];
    load = {
      sequence = 10000;
      connections = 1000;
      visits = 200;
    };
    timeoutSeconds = 240;
  }
  {
    name = "pieces of a file";
    initrd = siteWith "1MiB.txt" 65536;
    http = [
      mebibyte
      (
        mebibyte
        // {
          compressed = true;
          headers."content-encoding" = "gzip";
        }
      )
      {
        inherit (mebibyte) path;
        requestHeaders.Range = "bytes=1048560-";
        status = 206;
        text = line;
        length = 16;
        headers."content-range" = "bytes 1048560-1048575/1048576";
      }
      {
        inherit (mebibyte) path;
        requestHeaders.Range = "bytes=0-3,16-19";
        status = 206;
        text = "Content-Range: bytes 16-19/1048576";
      }
      {
        inherit (mebibyte) path;
        requestHeaders.Range = "bytes=1048576-";
        status = 416;
        headers."content-range" = "bytes */1048576";
      }
      {
        path = "/files/";
        text = "1MiB.txt</a>";
      }
      {
        path = "/files";
        status = 301;
      }
    ];
    slow = {
      inherit (mebibyte) path;
      connections = 20;
    };
  }
]
