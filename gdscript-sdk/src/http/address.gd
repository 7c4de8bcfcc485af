@tool
class_name BosBaseAddress
extends RefCounted
## A URL in the parts that a connection needs.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## Whether it is [code]https[/code].
var secure: bool
## The host's name or address, an IPv6 address without its brackets.
var host: String
## The port, also where the URL names none.
var port: int
## Path and query, as the request line has them.
var target: String


## [code]null[/code] for what is no [code]http[/code] or [code]https[/code] URL, names a user, or
## has [code].[/code] or [code]..[/code] in its path: an id that is one would mean something else.
static func parse(p_url: String) -> BosBaseAddress:
	var made: BosBaseAddress = BosBaseAddress.new()
	if not has_scheme(p_url):
		return null
	var scheme: String = p_url.get_slice("://", 0).to_lower()
	made.secure = scheme == "https"
	var rest: String = p_url.substr(scheme.length() + 3).get_slice("#", 0)
	var slash: int = rest.find("/")
	var question: int = rest.find("?")
	var end: int = rest.length()
	if slash >= 0:
		end = slash
	if question >= 0:
		end = mini(end, question)
	var authority: String = rest.substr(0, end)
	made.target = _encoded(rest.substr(end))
	if not made.target.begins_with("/"):
		made.target = "/" + made.target
	if _climbs(made.target) or authority.contains("@") or _encoded(authority) != authority:
		return null
	made.port = 443 if made.secure else 80
	var colon: int = authority.rfind(":")
	if colon > authority.rfind("]"):
		var told: String = authority.substr(colon + 1)
		if not told.is_valid_int() or told.to_int() < 1 or told.to_int() > 65535:
			return null
		made.port = told.to_int()
		authority = authority.substr(0, colon)
	made.host = authority.trim_prefix("[").trim_suffix("]")
	return made if not made.host.is_empty() else null


## Whether [param p_url] begins with [code]http://[/code] or [code]https://[/code].
static func has_scheme(p_url: String) -> bool:
	var begin: String = p_url.to_lower()
	return begin.begins_with("http://") or begin.begins_with("https://")


## [param p_query] as the part of a URL behind [code]?[/code]; [code]null[/code]s are left out,
## lists repeat their name.
static func query(p_query: Dictionary) -> String:
	var pairs: PackedStringArray = PackedStringArray()
	for name: Variant in p_query:
		var value: Variant = p_query[name]
		var values: Array = value if value is Array else [value]
		for each: Variant in values:
			if each != null:
				pairs.append("%s=%s" % [str(name).uri_encode(), _text(each).uri_encode()])
	return "&".join(pairs)


## [param p_url] as it may be shown and logged: without tokens and passwords.
static func without_secrets(p_url: String) -> String:
	var shown: String = p_url
	for secret: String in ["(?<=://)[^/?#]*@", "(?<=[?&]token=)[^&#]+"]:
		shown = RegEx.create_from_string(secret).sub(shown, "…", true)
	return shown


# What would end the request's line, or may not be in it, is percent-encoded, as browsers do it.
static func _encoded(p_target: String) -> String:
	var encoded: String = ""
	for character: String in p_target:
		var code: int = character.unicode_at(0)
		var plain: bool = code > 0x20 and code < 0x7f and not character in '"<>\\^`{|}'
		encoded += character if plain else character.uri_encode()
	return encoded


static func _climbs(p_target: String) -> bool:
	for part: String in p_target.get_slice("?", 0).split("/"):
		if part.to_lower().replace("%2e", ".") in [".", ".."]:
			return true
	return false


static func _text(p_value: Variant) -> String:
	match typeof(p_value):
		TYPE_BOOL:
			return "true" if p_value else "false"
		TYPE_DICTIONARY:
			return JSON.stringify(p_value)
		TYPE_FLOAT:
			var number: float = p_value
			if number == floorf(number) and absf(number) < 1e15:
				return str(int(number))
	return str(p_value)
