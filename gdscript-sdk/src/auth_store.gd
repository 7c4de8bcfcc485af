@tool
class_name BosBaseAuthStore
extends RefCounted
## Who is logged in: a token and its record, in memory only.
##
## To keep them across starts see [BosBaseEncryptedAuthStore], or connect to [signal changed], or
## override [method save] and [method clear].

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## Somebody logged in or out, or a record was changed. After a logout [param token] is empty.
signal changed(token: String, record: Dictionary)

## Seconds by which a clock may be wrong without a token counting as expired too late.
const CLOCK_SLACK: float = 5.0
const _SUPERUSERS_ID: String = "pbc_3142635823"

## The token that requests carry; [code]""[/code] when nobody is logged in.
var token: String
## The record it belongs to.
var record: Dictionary

## Whether there is a token that has not expired by this machine's clock. The server has the last
## word.
var is_valid: bool:
	get:
		return not token.is_empty() and seconds_left() > CLOCK_SLACK
## Whether the token is a superuser's.
var is_superuser: bool:
	get:
		if record.get("collectionName") == "_superusers":
			return true
		var claims: Dictionary = payload()
		return claims.get("type") == "auth" and claims.get("collectionId") == _SUPERUSERS_ID


## Remembers a token and its record.
func save(p_token: String, p_record: Dictionary = {}) -> void:
	token = p_token
	record = p_record
	changed.emit(token, record)


## Forgets both: a logout. The token itself stays good for whoever else holds it.
func clear() -> void:
	token = ""
	record = {}
	changed.emit(token, record)


## Calls [param p_callback] with token and record at each change. Answers a [Callable] that ends
## that.
func on_change(p_callback: Callable, p_fire_immediately: bool = false) -> Callable:
	changed.connect(p_callback)
	if p_fire_immediately:
		p_callback.call(token, record)
	return _forget.bind(p_callback)


## Seconds until the token expires: [constant @GDScript.INF] for one that says nothing of it,
## negative when it has.
func seconds_left() -> float:
	var claims: Dictionary = payload()
	if claims.is_empty():
		return -INF
	if not claims.has("exp"):
		return INF
	return float(str(claims["exp"])) - Time.get_unix_time_from_system()


## What the token says of itself; empty for what is no token. The signature is the server's to
## check.
func payload() -> Dictionary:
	var parts: PackedStringArray = token.split(".")
	if parts.size() != 3:
		return {}
	var text: String = parts[1].replace("-", "+").replace("_", "/")
	if text.length() % 4 == 1 or not RegEx.create_from_string("^[A-Za-z0-9+/]+$").search(text):
		return {}
	text += "=".repeat((4 - text.length() % 4) % 4)
	var parser: JSON = JSON.new()
	if parser.parse(Marshalls.base64_to_raw(text).get_string_from_utf8()) != OK:
		return {}
	return parser.data if parser.data is Dictionary else {}


func _forget(p_callback: Callable) -> void:
	if changed.is_connected(p_callback):
		changed.disconnect(p_callback)
