# SPDX-License-Identifier: MIT
"""Has a program look for symbols: on disk, and from HTTP servers of every kind of manners.

usage: find_test.py PROBE SOURCE-ROOT [RUNNER]
"""

import contextlib
import http.server
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import tiny_pdb

PROBE, ROOT, RUNNER = [], None, None
GUID = "0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9"
OTHER = "FFFFFFFF-4E5F-6071-8293-A4B5C6D7E8F9"
AGE = 10
ID = GUID.replace("-", "") + "a"
SYMBOLS = [("main", 0x10), ("helper", 0x40)]
PDB = tiny_pdb.make(GUID, AGE, SYMBOLS)
WRONG = tiny_pdb.make(OTHER, AGE, SYMBOLS)
ASK = ("app.pdb", GUID, str(AGE))
PLAIN = f"/app.pdb/{ID}/app.pdb"
PACKED = f"/app.pdb/{ID}/app.pd_"
TIMEOUT_MS = 1000


class Server(http.server.ThreadingHTTPServer):
    """Answers with `answers`: path -> bytes, a status, or a function of the handler."""

    daemon_threads = True

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.asked = []
        self.stop = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        pass  # the client hangs up in many of these tests


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        answers = self.server.answers
        answer = answers.get(self.path.replace(":80/", "/"), answers.get("*", 404))
        if callable(answer):
            answer(self)
        elif isinstance(answer, int):
            self.reply(answer, b"<html>not what was asked for</html>")
        else:
            self.reply(200, answer)

    def reply(self, status, body, length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if length is not None:
            self.close_connection = True

    def log_message(self, *args):
        pass


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = pathlib.Path(self.scratch.name)
        self.cache = self.folder / "cache"

    def serve(self, answers):
        server = Server(answers)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.addCleanup(server.stop.set)
        return server

    def put(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def probe(self, path, *ask, options=(), env=None):
        """What the program printed: key -> list of values."""
        variables = {k: v for k, v in os.environ.items()
                     if not k.lower().endswith("_proxy") and k != "_NT_SYMBOL_PROXY"}
        command = [*PROBE, "--cache", str(self.cache), "--timeout", str(TIMEOUT_MS),
                   "--symbol", "helper", *options, path, *(ask or ASK)]
        result = subprocess.run(command, env=variables | (env or {}), stdin=subprocess.DEVNULL,
                                capture_output=True, timeout=60)
        output = result.stdout.decode().replace("\r", "")
        self.assertIn("end\n", output, result.stderr.decode(errors="replace"))
        self.assertEqual(result.returncode, 0)
        said = {}
        for line in output.splitlines():
            key, _, value = line.partition(": ")
            said.setdefault(key, []).append(value)
        return said

    def assert_found(self, said, path):
        self.assertIn("found", said, said)
        found = said["found"][0].replace("\\", "/").removeprefix("Z:")
        self.assertEqual(found.replace("//", "/"), str(path))
        self.assertEqual(said["symbol"][0], "0x1040")
        self.assertEqual(said["at"][0], "helper+1")

    def assert_not_found(self, said, pattern, n_said):
        self.assertNotIn("found", said)
        lines = said.get("said", [])
        self.assertEqual(len(lines), n_said, lines)
        if n_said:
            self.assertRegex(lines[0], pattern)
        left = [p for p in self.cache.rglob("*") if p.is_file()]
        self.assertEqual(left, [], "something was kept")


class Servers(Case):
    def test_a_file_is_fetched_once_and_kept(self):
        server = self.serve({PLAIN: PDB})
        kept = self.folder / "store/app.pdb" / ID / "app.pdb"
        path = f"srv*{self.folder}/store*{server.url}/"
        self.assert_found(self.probe(path, options=["--repeat"]), kept)
        self.assertEqual(server.asked, ["/index2.txt", PLAIN])
        self.assertEqual(kept.read_bytes(), PDB)
        self.assert_found(self.probe(path), kept)
        self.assertEqual(len(server.asked), 2)

    def test_without_a_store_it_goes_to_the_users_own(self):
        server = self.serve({PLAIN: PDB})
        kept = self.cache / "symbols/app.pdb" / ID / "app.pdb"
        self.assert_found(self.probe(f"srv*{server.url}"), kept)

    def test_every_store_to_the_left_keeps_it(self):
        server = self.serve({PLAIN: PDB})
        stores = [self.folder / name for name in ("c", "a", "b")]
        self.put("a/index2.txt", b"")
        self.assert_found(self.probe(f"cache*{stores[0]};srv*{stores[1]}*{stores[2]}*{server.url}"),
                          stores[2] / "app.pdb" / ID / "app.pdb")
        self.assertEqual((stores[0] / "app.pdb" / ID / "app.pdb").read_bytes(), PDB)
        self.assertEqual((stores[1] / "ap/app.pdb" / ID / "app.pdb").read_bytes(), PDB)

    def test_compressed_files_are_unpacked(self):
        sys.path.insert(0, str(ROOT / "src/symbols"))
        import synth_cab
        import synth_lzx
        packed = {
            "mszip": synth_cab.cabinet("app.pdb", len(PDB), synth_cab.mszip(PDB), 1),
            "lzx": synth_cab.cabinet("app.pdb", len(PDB), synth_cab.lzx_blocks(
                PDB, 15, [(synth_lzx.VERBATIM, 5000)]), 3 | 15 << 8),
        }
        for name, data in packed.items():
            server = self.serve({PACKED: data})
            store = self.folder / name
            self.assert_found(self.probe(f"srv*{store}*{server.url}"),
                              store / "app.pdb" / ID / "app.pdb")
            self.assertEqual(server.asked, ["/index2.txt", PLAIN, PACKED])
            self.assertEqual([p.name for p in store.rglob("*") if p.is_file()], ["app.pdb"])

    def test_two_tiers(self):
        server = self.serve({"/x/index2.txt": b"", "/x/ap" + PLAIN: PDB})
        kept = self.cache / "symbols/app.pdb" / ID / "app.pdb"
        self.assert_found(self.probe(f"srv*{server.url}/x"), kept)

    def test_names_are_escaped(self):
        name = "a b%#\u00e4.pdb"
        server = self.serve({f"/a%20b%25%23%C3%A4.pdb/{ID}/a%20b%25%23%C3%A4.pdb": PDB})
        if RUNNER:
            name, server.answers = "a b%#.pdb", {f"/a%20b%25%23.pdb/{ID}/a%20b%25%23.pdb": PDB}
        said = self.probe(f"srv*{server.url}", name, GUID, str(AGE))
        self.assertIn("found", said, (said, server.asked))

    def test_what_is_not_there_is_asked_for_once(self):
        server = self.serve({})
        said = self.probe(f"srv*{server.url}", options=["--repeat"])
        self.assert_not_found(said, "", 0)
        self.assertEqual(server.asked, ["/index2.txt", PLAIN, PACKED])
        self.assertEqual(said["why"], [f"there are no symbols for app.pdb ({GUID}, age 10) in the "
                                       "symbol path"] * 2)

    def test_the_next_server_is_asked(self):
        broken, good = self.serve({"*": 500}), self.serve({PLAIN: PDB})
        kept = self.cache / "symbols/app.pdb" / ID / "app.pdb"
        said = self.probe(f"srv*{broken.url};srv*{good.url}")
        self.assert_found(said, kept)
        self.assertEqual(len(said["said"]), 1)

    def test_a_wrong_file_is_not_used(self):
        server = self.serve({PLAIN: WRONG})
        said = self.probe(f"srv*{server.url}")
        self.assert_not_found(said, "sent a wrong or damaged app.pdb: not used", 1)
        self.assertIn(f"is of another build ({OTHER}, age 10)", said["why"][0])

    def test_a_page_in_place_of_the_file_is_not_used(self):
        server = self.serve({PLAIN: b"<html>please log in</html>", PACKED: b"<html>"})
        self.assert_not_found(self.probe(f"srv*{server.url}"), "wrong or damaged app.pdb", 1)

    def test_a_damaged_cabinet_is_not_used(self):
        server = self.serve({PACKED: b"MSCF\0\0\0\0 and so on"})
        self.assert_not_found(self.probe(f"srv*{server.url}"), "the cabinet is cut off", 2)

    def skipped_after(self, answers, pattern, n_asked=None, twice=True):
        server = self.serve(answers)
        more = ("other.pdb", GUID, "1") if twice else ()
        said = self.probe(f"srv*{server.url}", *ASK, *more)
        self.assert_not_found(said, "symbol server http://127.*" + pattern + ".*: skipped", 1)
        if n_asked:
            self.assertEqual(len(server.asked), n_asked, server.asked)
        return said

    def test_an_error_of_the_server(self):
        said = self.skipped_after({"*": 500}, "the server answered 500", 1)
        self.assertIn("1 of 2 places could not be used", said["why"][0])

    def test_an_error_later(self):
        self.skipped_after({PLAIN: 503}, "the server answered 503", 2)

    def test_a_body_that_breaks_off(self):
        self.skipped_after({PLAIN: lambda h: h.reply(200, PDB[:2000], len(PDB))}, "", 2)

    def test_chunks_that_break_off(self):
        def chunked(handler):
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"400\r\n" + PDB[:1024] + b"\r\n400\r\n" + PDB[1024:1100])
            handler.close_connection = True
        # Wine's WinHTTP does not notice; the file itself shows it.
        server = self.serve({PLAIN: chunked})
        self.assert_not_found(self.probe(f"srv*{server.url}"),
                              "skipped$|damaged app.pdb: not used$", 1)

    def test_a_pdb_without_its_end(self):
        server = self.serve({PLAIN: PDB[:-512]})
        self.assert_not_found(self.probe(f"srv*{server.url}"), "wrong or damaged app.pdb", 1)

    def test_no_answer(self):
        started = time.monotonic()
        self.skipped_after({PLAIN: lambda h: h.server.stop.wait(30)}, "", 2)
        self.assertLess(time.monotonic() - started, 15)

    def test_an_answer_that_trickles(self):
        def trickle(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
            while not handler.server.stop.wait(0.1):
                handler.wfile.write(b"x")
        started = time.monotonic()
        self.skipped_after({PLAIN: trickle}, "", 2)
        self.assertLess(time.monotonic() - started, 15)

    def test_something_that_is_not_http(self):
        self.skipped_after({"*": lambda h: h.wfile.write(b"SSH-2.0-OpenSSH\r\n" * 10) and
                            setattr(h, "close_connection", True)}, "")

    def test_nobody_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            said = self.probe(f"srv*{url}", *ASK, "other.pdb", GUID, "1")
        self.assert_not_found(said, "cannot be used .*: skipped", 1)

    def test_redirections_are_followed(self):
        server = self.serve({PLAIN: lambda h: h.reply(302, b"", Location="/there"), "/there": PDB})
        kept = self.cache / "symbols/app.pdb" / ID / "app.pdb"
        self.assert_found(self.probe(f"srv*{server.url}"), kept)

    def test_redirections_in_a_circle(self):
        server = self.serve({PLAIN: lambda h: h.reply(302, b"", Location=PLAIN)})
        said = self.probe(f"srv*{server.url}")
        self.assert_not_found(said, "cannot be used", 1)
        self.assertLess(len(server.asked), 20)

    def test_redirections_to_files_are_not_followed(self):
        target = self.put("secret.pdb", PDB)
        server = self.serve({PLAIN: lambda h: h.reply(302, b"", Location=f"file://{target}")})
        said = self.probe(f"srv*{server.url}")
        # Wine takes it for a path of the same server.
        n_said = len(said.get("said", [])) if RUNNER else 1
        self.assert_not_found(said, "cannot be used", n_said)

    def test_refusals_are_said_once_and_no_end(self):
        server = self.serve({"*": 403, f"/other.pdb/{GUID.replace('-', '')}1/other.pdb":
                             tiny_pdb.make(GUID, 1, SYMBOLS)})
        said = self.probe(f"srv*{server.url}", *ASK, "other.pdb", GUID, "1")
        self.assertEqual(len(said["said"]), 1, said)
        self.assertRegex(said["said"][0], "does not give some files .the server answered 403")
        self.assertEqual(len(said["found"]), 1)

    def test_a_store_that_cannot_be_written(self):
        server = self.serve({PLAIN: PDB})
        self.put("file", b"")
        said = self.probe(f"srv*{self.folder}/file/store*{server.url}")
        # The user's own takes it then.
        self.assert_found(said, self.cache / "symbols/app.pdb" / ID / "app.pdb")

    def test_the_proxy_of_windows(self):
        server = self.serve({f"http://symbols.invalid{PLAIN}": PDB, PLAIN: PDB})
        said = self.probe("srv*http://symbols.invalid",
                          env={"_NT_SYMBOL_PROXY": f"127.0.0.1:{server.server_port}"})
        self.assertIn("found", said, said)

    def test_the_proxy_of_the_environment(self):
        server = self.serve({f"http://symbols.invalid{PLAIN}": PDB, PLAIN: PDB})
        said = self.probe("srv*http://symbols.invalid", env={"http_proxy": server.url})
        self.assertIn("found", said, said)

    def test_offline(self):
        server = self.serve({PLAIN: PDB})
        self.assert_not_found(self.probe(f"srv*{server.url}", options=["--offline"]),
                              "to stay offline", 1)
        self.assertEqual(server.asked, [])

    def test_images_are_fetched_for_the_pdb_they_name(self):
        image = self.folder / "none"
        server = self.serve({})
        said = self.probe(f"srv*{server.url}", "app.dll", "5F5E1234/21000", "0")
        self.assertIn("/app.dll/5F5E123421000/app.dll", server.asked)
        self.assertRegex(said["why"][0], "not known which PDB belongs to it")
        self.assertFalse(image.exists())


class Disk(Case):
    def test_ages(self):
        # The age of the DBI stream counts, or that of the PDB stream; a later build's is another.
        for age, info_age, match in ((10, 10, True), (10, 12, True), (9, 10, True),
                                     (11, 11, False), (9, 9, False)):
            self.put("dir/app.pdb", tiny_pdb.make(GUID, age, SYMBOLS, info_age))
            said = self.probe(f"{self.folder}/dir")
            self.assertEqual("found" in said, match, (age, info_age))
            if not match:
                self.assertRegex(said["why"][0], rf"app\.pdb is of another build .*age {age}\)")

    def test_a_damaged_file_is_said(self):
        for data in (PDB[:600], b"", b"text"):
            self.put("dir/app.pdb", data)
            why = self.probe(f"{self.folder}/dir")["why"][0]
            self.assertRegex(why, r"no symbols for app\.pdb .*: .*dir.app\.pdb .")

    def test_no_path(self):
        self.assertIn("there is no symbol path", self.probe("")["why"][0])

    def test_a_pdb_beside_the_dump(self):
        path = self.put("beside/app.pdb", PDB)
        self.assert_found(self.probe("", options=["--folder", str(path.parent)]), path)

    def test_a_pdb_where_the_linker_put_it(self):
        path = self.put("build/app.pdb", PDB)
        name = ("Z:" + str(path).replace("/", "\\")) if RUNNER else str(path)
        self.assert_found(self.probe("", name, GUID, str(AGE)), path)

    def test_names_that_lead_elsewhere(self):
        self.put("app.pdb", PDB)
        (self.folder / "dir").mkdir()
        for name in ("../app.pdb", "..\\app.pdb", "x/../../app.pdb"):
            said = self.probe(f"{self.folder}/dir;srv*{self.folder}/dir", name, GUID, str(AGE))
            self.assertNotIn("found", said)

    def test_files_in_the_path(self):
        path = self.put("renamed.bin", PDB)
        self.assert_found(self.probe(str(path), *ASK, "other.pdb", OTHER, "1"), path)

    def test_isf(self):
        sys.path.insert(0, str(ROOT / "src/symbols"))
        import synth_isf
        files = synth_isf.files()
        ask = ("synth.pdb", synth_isf.GUID, "3")
        packed = next(name for name in files if name.startswith("synth-"))
        for name in (packed, f"windows/synth.pdb/{synth_isf.GUID}-3.json.xz"):
            path = self.put(f"isf-{len(name)}/{name}", files[packed])
            root = self.folder / f"isf-{len(name)}"
            said = self.probe(str(root), *ask, options=["--symbol", "Second", "--struct", "_INNER"])
            self.assertEqual(said["symbol"], ["0x1010"], (said, path))
            self.assertEqual(said["size"], ["16"])
        path = self.put("any.json", files["synth.json"])
        said = self.probe(str(path), *ask, *ASK, options=["--struct", "_OUTER"])
        self.assertEqual(said["size"], ["128"])
        self.assertEqual(len(said["why"]), 1)

    def test_the_cache_of_tables(self):
        path = self.put("dir/app.pdb", PDB)
        self.assert_found(self.probe(f"{self.folder}/dir"), path)
        table = next((self.cache / "tables").iterdir())
        self.assertEqual(table.name, f"app.pdb-{GUID}-a")
        good = table.read_bytes()
        # Whatever is in it, the answer is right, and the table is made anew.
        for damaged in (b"", good[:40], good[:-1], good[:100] + b"\xff" * 50 + good[150:],
                        good.replace(b"helper", b"hinder")):
            table.write_bytes(damaged)
            self.assert_found(self.probe(f"{self.folder}/dir"), path)
            self.assertEqual(table.read_bytes(), good)
        # It is used: what it says with a right hash is believed, for the same file only.
        moved = tiny_pdb.make(GUID, AGE, [("main", 0x10), ("helper", 0x80)])
        path.write_bytes(moved)
        os.utime(path, ns=(1, 10 ** 18))
        said = self.probe(f"{self.folder}/dir")
        self.assertEqual(said["symbol"], ["0x1080"])
        self.assertNotEqual(table.read_bytes(), good)

    def test_a_cache_that_cannot_be_written(self):
        path = self.put("dir/app.pdb", PDB)
        self.cache.write_bytes(b"a file")
        self.assert_found(self.probe(f"{self.folder}/dir"), path)

    def test_paths_without_sense(self):
        result = subprocess.run([*PROBE, "foo*bar", *ASK], stdin=subprocess.DEVNULL,
                                capture_output=True, timeout=60)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout.decode(), r"refused: .*'foo\*bar'")


def main():
    global ROOT, RUNNER
    program, ROOT = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    RUNNER = sys.argv[3] if len(sys.argv) > 3 else None
    PROBE.extend([RUNNER, str(program)] if RUNNER else [str(program)])
    sys.dont_write_bytecode = True
    with contextlib.suppress(ImportError):
        unittest.main(argv=[sys.argv[0], *sys.argv[4:]])


if __name__ == "__main__":
    main()
