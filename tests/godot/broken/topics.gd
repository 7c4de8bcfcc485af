extends SceneTree
## Subscribes to topics, right ones and wrong ones: `-- URL`. Says before each which it is.

const RIGHT: PackedStringArray = [
	"users/*",
	"users/abcdefghijklmno",
	"users",
	"_pb_users_auth_/*",
	"@backups",
	"nothing/*",
	'users/*?options={"query": {"filter": "a / b"}}',
]
const WRONG: PackedStringArray = [
	"/*", "/users/*", "users/", "users//*", "users/*/", "users /*", " users/*", "users/a b"
]


func _initialize() -> void:
	_run()


func _run() -> void:
	var pb := BosBase.new(OS.get_cmdline_user_args()[0])
	# Who is no superuser is refused the topic @backups.
	print("@login ", await pb.admins().auth_with_password("root@example.com", "correct-horse-1"))
	for topic: String in RIGHT:
		print("@right ", topic)
		print("@taken ", await pb.realtime.subscribe(topic, print) is Callable)
	var options := {"query": {"filter": "id = '/ /'"}, "expand": "a/b c"}
	print("@right ", "options")
	print("@taken ", await pb.collection("users").subscribe("*", print, options) is Callable)
	for topic: String in WRONG:
		print("@wrong ", topic.c_escape())
		print("@taken ", await pb.realtime.subscribe(topic, print) is Callable)
	print("@wrong ", "no collection")
	print("@taken ", await pb.collection("").subscribe("*", print) is Callable)
	print("@wrong ", "a slash in the collection's name")
	print("@taken ", await pb.collection("posts/").subscribe("*", print) is Callable)
	await pb.realtime.unsubscribe()
	print("@done")
	quit()
