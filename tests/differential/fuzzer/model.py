"""What the fuzzer knows of the application that it has made so far, from the answers of the real PocketBase."""

SYSTEM = ("_mfas", "_otps", "_externalAuths", "_authOrigins", "_superusers")


class Model:
    def __init__(self):
        self.collections = {}  # name -> as PocketBase tells it
        self.records = {}  # name -> ids
        self.accounts = []  # {"collection", "id", "email", "password"}
        self.tokens = []  # labels of tokens that were given
        self.made = 0

    def learn(self, step, answer):
        """Takes note of an answer; `step["about"]` says what the step did."""
        about, good = step.get("about"), answer.status in (200, 204)
        if not about or not good:
            return
        name, told = step.get("name"), answer.raw
        if about == "collection" and isinstance(told, dict) and told.get("name"):
            if name and name != told["name"] and name in self.collections:
                self.collections.pop(name)
                self.records[told["name"]] = self.records.pop(name, [])
            self.collections[told["name"]] = told
            self.records.setdefault(told["name"], [])
        elif about == "collections" and isinstance(told, dict):
            self.collections = {one["name"]: one for one in told.get("items", [])}
            for one in self.collections:
                self.records.setdefault(one, [])
        elif about == "gone" and name in self.collections:
            self.collections.pop(name)
            self.records.pop(name, None)
        elif about == "emptied":
            self.records[name] = []
        elif about == "record" and isinstance(told, dict) and isinstance(told.get("id"), str) and told["id"] in step.get("json", "") + str(step.get("parts", "")) + str(step.get("form", "")):
            if told["id"] not in self.records.setdefault(name, []):
                self.records[name].append(told["id"])
            if step.get("account"):
                self.accounts.append({**step["account"], "collection": name, "id": told["id"]})
        elif about == "deleted" and step["id"] in self.records.get(name, []):
            self.records[name].remove(step["id"])
        if step.get("save") and step["save"] not in self.tokens:
            self.tokens.append(step["save"])

    # --- what there is ------------------------------------------------------------------------------------------------

    def named(self, kind=None):
        return [name for name, one in self.collections.items() if name not in SYSTEM and (kind is None or one["type"] == kind)]

    def fields(self, name):
        return self.collections.get(name, {}).get("fields", [])

    def by_id(self, id):
        return next((name for name, one in self.collections.items() if one["id"] == id), None)

    def relations_to(self, name):
        """[(collection, field)] that relate to a collection."""
        id = self.collections.get(name, {}).get("id")
        return [(other, field) for other, one in self.collections.items() for field in one["fields"] if field["type"] == "relation" and field.get("collectionId") == id]
