"""`meta` and `smtp`: what a mail says, and how its server is spoken to."""



def mail(root, sink, **settings):
    smtp = {"enabled": True, "host": sink.host, "port": sink.port}
    root.patch("/api/settings", json={"smtp": {**smtp, **settings.pop("smtp", {})}, **settings})
    root.post("/api/settings/test/email", json={"email": "to@example.com", "template": "verification", "collection": "users"}, expect=204)
    return sink.mails[-1]


def a_mail_names_the_application(server, root, sink):
    sent = mail(root, sink, meta={"appName": "Orchard", "appURL": "https://orchard.example"})
    assert "Orchard" in sent.subject and "https://orchard.example" in sent.html


def a_mail_names_its_sender(server, root, sink):
    sent = mail(root, sink, meta={"senderName": "Gardener", "senderAddress": "gardener@example.com"})
    assert sent.sender == "gardener@example.com" and "Gardener" in sent.message["from"]


def the_mail_server_is_greeted_by_name(server, root, sink):
    assert mail(root, sink, smtp={"localName": "orchard.example"}).hello == "orchard.example"
