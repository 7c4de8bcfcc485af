@tool
class_name BosBaseClock
extends RefCounted
## Waiting, wherever the caller is.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

static var _kept: Dictionary = {}


## Until the next frame of the main loop. On another thread, or without a [SceneTree], a millisecond
## in which that thread sleeps.
static func tick() -> void:
	var tree: SceneTree = Engine.get_main_loop() as SceneTree
	if tree == null or OS.get_thread_caller_id() != OS.get_main_thread_id():
		OS.delay_msec(1)
		return
	await tree.process_frame


## Waits [param p_seconds]; what is in [param p_keep] stays alive meanwhile.
static func sleep(p_seconds: float, p_keep: Array = []) -> void:
	var key: RefCounted = RefCounted.new()
	_kept[key] = p_keep
	var end: int = Time.get_ticks_msec() + int(p_seconds * 1000.0)
	while Time.get_ticks_msec() < end:
		await tick()
	_kept.erase(key)
