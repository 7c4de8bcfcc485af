extends Suite
## The client as the specification has it: its script in a variable that is called as the global
## class is.

var BosBase = preload("res://gdscript-sdk/src/bosbase.gd")


func test_in_a_class() -> void:
	var pb = BosBase.new(url)
	var auth = await pb.admins().auth_with_password(EMAIL, PASSWORD)
	okay(auth, "login")
	okay(await pb.backups.get_full_list(), "list")
	check(is_instance_of(pb, BosBase), "an instance")


func test_in_a_function() -> void:
	var BosBase = preload("res://gdscript-sdk/src/bosbase.gd")
	var pb = BosBase.new(url)
	var auth = await pb.admins().auth_with_password(EMAIL, "wrong")
	if check(auth is ClientResponseError, str(auth)):
		equal(auth.status, 400)


func test_as_a_constant() -> void:
	const Client = preload("res://gdscript-sdk/src/bosbase.gd")
	var pb: Client = Client.new(url)
	okay(await pb.health.check())
