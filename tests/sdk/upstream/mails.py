"""A real SMTP server for the browser's journey: prints its port, then each mail that comes as one line of JSON."""

import json
import sys

from alarms.sink import Sink


class Printing(Sink):
    async def handle_DATA(self, server, session, envelope):
        answer = await super().handle_DATA(server, session, envelope)
        mail = self.mails[-1]
        print(json.dumps({"to": mail.recipients, "subject": mail.subject, "html": mail.html}), flush=True)
        return answer


sink = Printing()
print(sink.port, flush=True)
sys.stdin.read()
sink.stop()
