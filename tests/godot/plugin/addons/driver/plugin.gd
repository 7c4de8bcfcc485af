@tool
extends EditorPlugin
## Chooses the other plugin's item in the Tools menu, waits until no request is under way, and
## closes the editor.

const ITEM := "Back up the server"


func _enter_tree() -> void:
	# An import only reads the project.
	if "--import" not in OS.get_cmdline_args():
		_run.call_deferred()


func _run() -> void:
	while EditorInterface.get_resource_filesystem().is_scanning():
		await get_tree().process_frame
	for menu: PopupMenu in get_tree().root.find_children("*", "PopupMenu", true, false):
		for index: int in menu.item_count:
			if menu.get_item_text(index) == ITEM:
				print("@chosen")
				menu.id_pressed.emit(menu.get_item_id(index))
				menu.index_pressed.emit(index)
	while BosBaseExchange.pending() + BosBaseClock.sleeping() > 0:
		await get_tree().process_frame
	get_tree().quit()
