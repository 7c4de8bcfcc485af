class_name Suite
extends RefCounted
## A group of tests: every `test_…` method is one. `url` is a server of the group's own.

const EMAIL := "root@example.com"
const PASSWORD := "correct-horse-1"

var url: String
var failures: PackedStringArray = []
## Whether what is to be left in the midst of has begun.
var under_way: bool


func client() -> BosBase:
	return BosBase.new(url)


func root() -> BosBase:
	var pb := client()
	var result: Variant = await pb.admins().auth_with_password(EMAIL, PASSWORD)
	okay(result, "login")
	return pb


func check(p_holds: bool, p_what: String) -> bool:
	if not p_holds:
		failures.append(p_what)
	return p_holds


func equal(p_got: Variant, p_wanted: Variant, p_what: String = "") -> bool:
	var same: bool = typeof(p_got) == typeof(p_wanted) and p_got == p_wanted
	return check(same, "%s: got %s, wanted %s" % [p_what, var_to_str(p_got), var_to_str(p_wanted)])


func okay(p_result: Variant, p_what: String = "") -> bool:
	return check(
		not p_result is ClientResponseError and p_result != null, "%s: %s" % [p_what, p_result]
	)


func refused(p_result: Variant, p_status: int, p_words: String = "", p_what: String = "") -> bool:
	if not check(p_result is ClientResponseError, "%s: no error but %s" % [p_what, p_result]):
		return false
	var error: ClientResponseError = p_result
	var said := error.to_string()
	var same: bool = equal(error.status, p_status, "%s: %s" % [p_what, said])
	return (
		check(
			p_words.is_empty() or p_words in said,
			"%s: %s says nothing of %s" % [p_what, said, p_words]
		)
		and same
	)


func tree() -> SceneTree:
	return Engine.get_main_loop() as SceneTree


## What lies at an address that needs no login.
func fetch(p_url: String) -> PackedByteArray:
	var request := HTTPRequest.new()
	tree().root.add_child(request)
	request.request(p_url)
	var answer: Array = await request.request_completed
	request.queue_free()
	equal(answer[1], 200, p_url)
	return answer[3]


## Waits until `p_holds` answers true.
func until(p_holds: Callable, p_what: String, p_seconds: float = 120.0) -> bool:
	var end := Time.get_ticks_msec() + int(p_seconds * 1000.0)
	while Time.get_ticks_msec() < end:
		if p_holds.call():
			return true
		await tree().process_frame
	return check(false, "not within %d s: %s" % [p_seconds, p_what])
