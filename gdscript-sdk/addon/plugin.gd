@tool
extends EditorPlugin
## Opens the SDK's help from Project > Tools. The SDK itself works without it.

const ITEM := "BosBase: help of the SDK"


func _enter_tree() -> void:
	add_tool_menu_item(ITEM, _open_help)


func _exit_tree() -> void:
	remove_tool_menu_item(ITEM)


func _open_help() -> void:
	EditorInterface.set_main_screen_editor("Script")
	EditorInterface.get_script_editor().goto_help("class_name:BosBase")
