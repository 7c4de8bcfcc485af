"""A machine as the documentation supposes one, in a temporary folder: `/var/lib`, `/etc`, `sudo` and `systemctl`.

The server, the data and, where the tests run as root, the server's user are real. systemd is not there: a script starts
and stops the server as the unit in docs/operate.md does. `sudo` is a script that takes the environment away, as the real
one does. `/etc` is another one, so `bosbase` is a script that names the configuration file where the program would find it.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from harness.programs import BOSBASE, POCKETBASE
from harness.server import free_port

EMAIL, PASSWORD = "you@example.com", "a-long-password"
SECONDS = 300

SUDO = """#!/bin/sh
keep= user=
while [ $# -gt 0 ]; do
  case $1 in
    --preserve-env=*) keep=${1#*=}; shift ;;
    -u) user=yes; shift 2 ;;
    -*) echo "sudo: $1 is not known here" >&2; exit 2 ;;
    *) break ;;
  esac
done
for name in $(echo "$keep" | tr , ' '); do eval "value=\\$$name"; set -- "$name=$value" "$@"; done
[ -z "$user" ] || set -- @AS_USER@ "$@"
exec env -i PATH="$PATH" HOME=/root SSL_CERT_FILE="${SSL_CERT_FILE:-}" "$@"
"""

SYSTEMCTL = """#!/bin/bash
# What the unit in docs/operate.md says.
set -eu
unit=${@: -1} pid=@ROOT@/run/${@: -1}.pid
stop() {
  [ -s "$pid" ] || return 0
  kill "$(cat "$pid")" 2>/dev/null || true
  while kill -0 "$(cat "$pid")" 2>/dev/null; do sleep 0.05; done
  : > "$pid"
}
start() {
  case $unit in
    bosbase) set -- @ROOT@/bin/bosbase serve --dir @ROOT@/var/lib/bosbase --http 127.0.0.1:@PORT@ ;;
    pocketbase) set -- @POCKETBASE@ serve --dir @ROOT@/var/lib/pocketbase/pb_data --http 127.0.0.1:@PORT@ ;;
  esac
  # StateDirectory=
  [ -d @ROOT@/var/lib/bosbase ] || install -d -m 700 -o @USER@ -g @GROUP@ @ROOT@/var/lib/bosbase
  cd @ROOT@/var/lib
  setsid @AS_USER@ "$@" >> "@ROOT@/run/$unit.log" 2>&1 < /dev/null &
  echo $! > "$pid"
}
case $1 in
  start | enable) start ;;
  stop) stop ;;
  restart) stop; start ;;
  *) echo "systemctl: $1 is not known here" >&2; exit 2 ;;
esac
"""

BOSBASE_SH = """#!/bin/sh
# The documentation lets the server choose its port; tests run side by side.
[ "${1:-}" != serve ] || case "$*" in *--http*) ;; *) set -- "$@" --http 127.0.0.1:@PORT@ ;; esac
# The usual configuration file belongs to one data directory, and counts for those who may read it.
file=@ROOT@/etc/bosbase/bosbase.env
if [ -r "$file" ]; then
  named=$(sed -n 's/^BOSBASE_DIR=//p' "$file")
  case " $* " in
    *" --dir ${named:-@ROOT@/var/lib/bosbase} "*) export BOSBASE_CONFIG="$file" ;;
    *" --dir "*) ;;
    *) [ -z "$named" ] || export BOSBASE_CONFIG="$file" ;;
  esac
fi
exec @PROGRAM@ "$@"
"""

PRELUDE = """
set -eu
# `curl` must not hide a refusal: --fail-with-body makes it one.
curl() { command curl --fail-with-body "$@"; }
# A server in a process group of its own.
in_the_background() {
  setsid bash -c "$1" >> @ROOT@/run/background.log 2>&1 < /dev/null &
  background=$!
  echo "$background" >> @ROOT@/run/groups
  command curl -sS --retry 120 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$2/api/health" > /dev/null
}
stop_background() {
  kill -- "-$background"
  while kill -0 -- "-$background" 2>/dev/null; do sleep 0.05; done
}
"""


class Machine:
    def __init__(self):
        # pytest's own folders are closed to other users, and the server is another one.
        self.root = Path(tempfile.mkdtemp(prefix="bosbase-docs-", dir="/tmp"))
        self.root.chmod(0o755)
        self.port, self.other_port = free_port(), free_port()
        self.changes = {}
        self.environment = {}
        is_root = os.geteuid() == 0
        account = pwd.getpwnam("nobody") if is_root else pwd.getpwuid(os.geteuid())
        self.uid, self.gid = account.pw_uid, account.pw_gid
        self.as_user = f"setpriv --reuid {self.uid} --regid {self.gid} --clear-groups" if is_root else "env"
        for folder in ("bin", "run", "var/lib", "etc", "mnt/usb", "home"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "tmp").mkdir()
        (self.root / "tmp").chmod(0o1777)
        program, pocketbase = self.root / "bin" / "bosbase-program", self.root / "bin" / "pocketbase"
        shutil.copy(BOSBASE.path, program)
        shutil.copy(POCKETBASE.path, pocketbase)
        for name, text in (("sudo", SUDO), ("systemctl", SYSTEMCTL), ("bosbase", BOSBASE_SH)):
            path = self.root / "bin" / name
            path.write_text(self._filled(text))
            path.chmod(0o755)

    def _filled(self, text):
        values = {
            "ROOT": self.root,
            "PORT": self.port,
            "AS_USER": self.as_user,
            "USER": self.uid,
            "GROUP": self.gid,
            "PROGRAM": self.root / "bin" / "bosbase-program",
            "POCKETBASE": self.root / "bin" / "pocketbase",
        }
        return re.sub(r"@([A-Z_]+)@", lambda found: str(values[found[1]]), text)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self):
        return self.root / "var/lib/bosbase"

    @property
    def configuration(self):
        return self.root / "etc/bosbase/bosbase.env"

    def here(self, script):
        """A page's commands with this machine's folders, ports, users and buckets in place of the page's."""
        for theirs, ours in self.changes.items():
            script = script.replace(theirs, ours)
        script = re.sub(r"(?<![\w.])/(var/lib|etc/bosbase|mnt/usb)\b", rf"{self.root}/\1", script)
        script = script.replace("-o bosbase -g bosbase", f"-o {self.uid} -g {self.gid}")
        script = script.replace("chown root:bosbase", f"chown {os.geteuid()}:{self.gid}")
        script = re.sub(r"(chown (?:-R )?)bosbase:", rf"\g<1>{self.uid}:{self.gid}", script)
        return script.replace("8090", str(self.port)).replace("8099", str(self.other_port))

    def run(self, script, **environment):
        """Runs a script in the machine's home, with somebody at the terminal who types the password when asked."""
        path = self.root / "run" / "page.sh"
        path.write_text(self._filled(PRELUDE) + script)
        search = f"{self.root / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", str(path)],
            env={**without_our_own(os.environ), "PATH": search, "TMPDIR": str(self.root / "tmp"), **self.environment, **environment},
            cwd=self.root / "home",
            input=f"{PASSWORD}\n" * 10,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def follow(self, steps, case=None):
        """Does what a page says, from top to bottom, in one shell."""
        lines = []
        for step in steps:
            if step.not_run or not step.is_for(case):
                continue
            script = self.here(step.script)
            lines.append(f"echo '== {step.where}'")
            if step.says.get("in the background"):
                port = found[1] if (found := re.search(r"--http [\d.]+:(\d+)", script)) else self.port
                lines.append(f"in_the_background {shell_word(script.strip())} {port}")
            elif code := step.says.get("exit code"):
                lines.append(f"if (\n{script}); then false; else [ $? = {code} ]; fi")
            else:
                lines.append(script)
        done = self.run("\n".join(lines))
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}\n{self.logs()}"
        return done.stdout

    def logs(self):
        return "\n".join(f"-- {path.name}\n{path.read_text()[-2000:]}" for path in sorted((self.root / "run").glob("*.log")))

    def close(self):
        groups = [path.read_text().split() for path in (self.root / "run").glob("*.pid")]
        if (started := self.root / "run" / "groups").exists():
            groups.append(started.read_text().split())
        for group in {int(pid) for pids in groups for pid in pids}:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        shutil.rmtree(self.root)


def without_our_own(environment):
    return {name: value for name, value in environment.items() if not name.startswith("BOSBASE_")}


def shell_word(text):
    return "'" + text.replace("'", "'\\''") + "'"
