@tool
class_name BosBaseRecordService
extends BosBaseCrudService
## The records of one collection and, where it is an auth collection, logging in to it.

## The collection's name or id.
var collection_id_or_name: String

## Whether this is the collection of superusers.
var is_superusers: bool:
	get:
		return collection_id_or_name in ["_superusers", "pbc_3142635823"]

var _realtime: BosBaseRealtimeService


func _init(
	p_transport: BosBaseTransport, p_realtime: BosBaseRealtimeService, p_collection: String
) -> void:
	super(p_transport)
	_realtime = p_realtime
	collection_id_or_name = p_collection


## Calls [param p_callback] with [code]{action, record}[/code] at each change of a record, or of any
## for [code]"*"[/code]. Answers a [Callable] that ends that, or an error.
func subscribe(p_topic: String, p_callback: Callable, p_options: Dictionary = {}) -> Variant:
	if p_topic.is_empty():
		return ClientResponseError.new("", 0, {}, false, "A topic is needed: a record's id or *.")
	var topic: String = "%s/%s" % [collection_id_or_name, p_topic]
	return await _realtime.subscribe(topic, p_callback, p_options)


## Ends the subscriptions of a topic, or all of this collection's for [code]""[/code].
func unsubscribe(p_topic: String = "") -> Variant:
	if p_topic.is_empty():
		return await _realtime.unsubscribe_by_prefix(collection_id_or_name + "/")
	return await _realtime.unsubscribe("%s/%s" % [collection_id_or_name, p_topic])


## Changes what is named and leaves the rest; [member BosBaseAuthStore.record] follows when it is
## that one.
func update(p_id: String, p_body: Dictionary = {}, p_options: Dictionary = {}) -> Variant:
	var result: Variant = await super.update(p_id, p_body, p_options)
	if result is Dictionary and _is_logged_in(p_id):
		var store: BosBaseAuthStore = _transport.auth_store
		store.save(store.token, store.record.merged(BosBaseValue.dictionary(result), true))
	return result


## Deletes one; whoever deletes themselves is logged out.
func delete(p_id: String, p_options: Dictionary = {}) -> Variant:
	var result: Variant = await super.delete(p_id, p_options)
	if not result is ClientResponseError and _is_logged_in(p_id):
		_transport.auth_store.clear()
	return result


## What one can log in with: [code]{password, oauth2, mfa, otp}[/code].
func list_auth_methods(p_options: Dictionary = {}) -> Variant:
	return await _send("GET", _auth_path("auth-methods"), p_options)


## Logs in: answers [code]{token, record}[/code] and keeps it in [member BosBase.auth_store].
func auth_with_password(
	p_identity: String, p_password: String, p_options: Dictionary = {}
) -> Variant:
	var body: Dictionary = {"identity": p_identity, "password": p_password}
	return await _log_in("auth-with-password", body, p_options)


## Logs in by the code of a one-time password (see [method request_otp]).
func auth_with_otp(p_otp_id: String, p_password: String, p_options: Dictionary = {}) -> Variant:
	var body: Dictionary = {"otpId": p_otp_id, "password": p_password}
	return await _log_in("auth-with-otp", body, p_options)


## Logs in by what an OAuth2 provider's redirect brought.
func auth_with_oauth2_code(
	p_provider: String,
	p_code: String,
	p_code_verifier: String,
	p_redirect_url: String,
	p_create_data: Dictionary = {},
	p_options: Dictionary = {}
) -> Variant:
	var body: Dictionary = {
		"provider": p_provider,
		"code": p_code,
		"codeVerifier": p_code_verifier,
		"redirectURL": p_redirect_url,
		"createData": p_create_data,
	}
	return await _log_in("auth-with-oauth2", body, p_options)


## Exchanges the token for a new one, with the record as it is now.
func auth_refresh(p_options: Dictionary = {}) -> Variant:
	return await _log_in("auth-refresh", {}, p_options)


## Has a one-time password sent: answers [code]{otpId}[/code].
func request_otp(p_email: String, p_options: Dictionary = {}) -> Variant:
	return await _send("POST", _auth_path("request-otp"), p_options, {"email": p_email})


## Has a mail sent by which a forgotten password can be replaced.
func request_password_reset(p_email: String, p_options: Dictionary = {}) -> Variant:
	return await _do("POST", _auth_path("request-password-reset"), p_options, {"email": p_email})


## Replaces a forgotten password, by the token of that mail.
func confirm_password_reset(
	p_token: String, p_password: String, p_password_confirm: String, p_options: Dictionary = {}
) -> Variant:
	var body: Dictionary = {
		"token": p_token, "password": p_password, "passwordConfirm": p_password_confirm
	}
	return await _do("POST", _auth_path("confirm-password-reset"), p_options, body)


## Has a mail sent by which an email address can be proven.
func request_verification(p_email: String, p_options: Dictionary = {}) -> Variant:
	return await _do("POST", _auth_path("request-verification"), p_options, {"email": p_email})


## Proves an email address, by the token of that mail.
func confirm_verification(p_token: String, p_options: Dictionary = {}) -> Variant:
	return await _do("POST", _auth_path("confirm-verification"), p_options, {"token": p_token})


## Has a mail sent to a new email address.
func request_email_change(p_new_email: String, p_options: Dictionary = {}) -> Variant:
	return await _do(
		"POST", _auth_path("request-email-change"), p_options, {"newEmail": p_new_email}
	)


## Takes on the new email address, by the token of that mail.
func confirm_email_change(
	p_token: String, p_password: String, p_options: Dictionary = {}
) -> Variant:
	var body: Dictionary = {"token": p_token, "password": p_password}
	return await _do("POST", _auth_path("confirm-email-change"), p_options, body)


## A [BosBase] of its own that is logged in as another record, for superusers.
func impersonate(p_id: String, p_duration: int = 0, p_options: Dictionary = {}) -> Variant:
	var path: String = _auth_path("impersonate/" + p_id.uri_encode())
	var result: Variant = await _send("POST", path, p_options, {"duration": p_duration})
	if not result is Dictionary:
		return result
	var other: BosBase = BosBase.new(_transport.base_url, null, _transport.lang)
	other.timeout = _transport.timeout
	other.tls_options = _transport.tls_options
	var told: Dictionary = result
	other.auth_store.save(str(told.get("token", "")), BosBaseValue.dictionary(told.get("record")))
	return other


## The OAuth2 accounts that a record is linked with.
func list_external_auths(p_id: String, p_options: Dictionary = {}) -> Variant:
	var filter: String = BosBaseFilter.fill("recordRef = {:id}", {"id": p_id})
	var service: BosBaseRecordService = _external_auths()
	return await service.get_full_list(p_options.merged({"filter": filter}, true))


## Unlinks a record from an OAuth2 provider.
func unlink_external_auth(p_id: String, p_provider: String, p_options: Dictionary = {}) -> Variant:
	var filter: String = BosBaseFilter.fill(
		"recordRef = {:id} && provider = {:provider}", {"id": p_id, "provider": p_provider}
	)
	var service: BosBaseRecordService = _external_auths()
	var found: Variant = await service.get_first_list_item(filter, p_options)
	if found is ClientResponseError:
		return found
	return await service.delete(str(found["id"]), p_options)


func _external_auths() -> BosBaseRecordService:
	return BosBaseRecordService.new(_transport, _realtime, "_externalAuths")


func _log_in(p_action: String, p_body: Dictionary, p_options: Dictionary) -> Variant:
	var result: Variant = await _send("POST", _auth_path(p_action), p_options, p_body)
	var told: Dictionary = BosBaseValue.dictionary(result)
	if told.get("token") is String:
		var record: Dictionary = BosBaseValue.dictionary(told.get("record"))
		_transport.auth_store.save(str(told["token"]), record)
	elif not result is ClientResponseError:
		return _no_answer(_auth_path(p_action), "a login")
	return result


func _is_logged_in(p_id: String) -> bool:
	var record: Dictionary = _transport.auth_store.record
	return (
		record.get("id") == p_id
		and collection_id_or_name in [record.get("collectionName"), record.get("collectionId")]
	)


func _auth_path(p_action: String) -> String:
	return "/api/collections/%s/%s" % [collection_id_or_name.uri_encode(), p_action]


func _crud_path() -> String:
	return _auth_path("records")
