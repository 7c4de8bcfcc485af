@tool
class_name BosBaseClock
extends RefCounted
## Waiting, wherever the caller is, so that nothing of it stays behind: not when whoever waits is
## freed, and not when the program ends.
##
## Godot up to 4.6 does not free what a function has on its stack when its object is freed while the
## function awaits (godotengine/godot#74449), the state of the awaited call among it, unless
## somebody holds that function's state. So the states of all who wait here are held until they are
## over; but who waits for a function that had waited for something else before can't be seen from
## here. And what still waits when the main loop is deleted goes on once more, to come to its end.

# What appending, erasing and polling answer is of no use here.
@warning_ignore_start("return_value_discarded")

## The main loop has come round.
signal turned
## Never emitted.
signal never

# References to a state that nobody else holds any more: the dictionary's, its keys', the loop's.
const _ALONE: int = 3

## Whether the main loop is gone: what waits on its thread is to end.
static var is_over: bool

static var _clock: BosBaseClock
# Several threads may sleep at once.
static var _lock: Mutex = Mutex.new()
static var _kept: Dictionary = {}
# Functions that wait, by the engine's states of them.
static var _held: Dictionary = {}
static var _will_look: bool


## Until the next frame of the main loop. On another thread, or without a [SceneTree], a millisecond
## in which that thread sleeps. False when the main loop is gone.
static func tick() -> bool:
	if OS.get_thread_caller_id() != OS.get_main_thread_id():
		OS.delay_msec(1)
		return true
	if is_over:
		return false
	var tree: SceneTree = Engine.get_main_loop() as SceneTree
	if tree == null:
		OS.delay_msec(1)
		return true
	if _clock == null:
		_clock = BosBaseClock.new()
		tree.process_frame.connect(_turn.bind(End.new()))
	await _clock.turned
	return not is_over


## Waits [param p_seconds], or until the main loop is gone; what is in [param p_keep] stays alive
## meanwhile.
static func sleep(p_seconds: float, p_keep: Array = []) -> void:
	var key: RefCounted = RefCounted.new()
	_lock.lock()
	_kept[key] = p_keep
	_lock.unlock()
	begin()
	var end: float = Time.get_ticks_msec() + p_seconds * 1000.0
	while Time.get_ticks_msec() < end:
		if not await tick():
			break
	_lock.lock()
	_kept.erase(key)
	_lock.unlock()


## How many sleep at the moment.
static func sleeping() -> int:
	return _kept.size()


## To be called where a series of [method tick]s begins.
static func begin() -> void:
	if _will_look or is_over or OS.get_thread_caller_id() != OS.get_main_thread_id():
		return
	# Who waits has got that far only when this frame's calls are over.
	_will_look = true
	_look.call_deferred()


## To be awaited where a call begins. On the main thread, when its loop is gone, this never comes
## back: who then calls again after each error would keep the program from ending.
static func enter() -> void:
	if is_over and OS.get_thread_caller_id() == OS.get_main_thread_id():
		await _clock.never


static func _turn(_end: RefCounted) -> void:
	for state: RefCounted in _held.keys():
		if state.get_reference_count() <= _ALONE:
			_held.erase(state)
	_clock.turned.emit()


static func _look() -> void:
	_will_look = false
	if _clock != null:
		_hold(_clock.turned)


# Holds the states of all that wait for a signal, and of all that wait for these.
static func _hold(p_signal: Signal) -> void:
	for connection: Dictionary in p_signal.get_connections():
		var callable: Callable = connection["callable"]
		for state: Variant in callable.get_bound_arguments():
			if state is RefCounted and not _held.has(state):
				var object: RefCounted = state
				if object.has_signal(&"completed"):
					_held[object] = true
					_hold(Signal(object, &"completed"))


static func _finish() -> void:
	is_over = true
	if _clock != null:
		_clock.turned.emit()
	_lock.lock()
	_kept.clear()
	_lock.unlock()
	_held.clear()


## Held by nothing but the main loop, so that it goes when that does, after all nodes.
class End:
	extends RefCounted

	func _notification(p_what: int) -> void:
		if p_what == NOTIFICATION_PREDELETE:
			BosBaseClock._finish()
