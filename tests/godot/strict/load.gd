extends SceneTree
## Loads every script of the SDK: in this project each warning that Godot has is an error.


func _initialize() -> void:
	for setting: Dictionary in ProjectSettings.get_property_list():
		var warning: String = setting["name"]
		if warning.begins_with("debug/gdscript/warnings/") and setting["type"] == TYPE_INT:
			if ProjectSettings.get_setting(warning) != 2:
				print("@fail ", warning)
	var count: int = 0
	for folder: String in ["", "/http", "/services"]:
		for name: String in DirAccess.get_files_at("res://gdscript-sdk/src" + folder):
			if not name.ends_with(".gd"):
				continue
			var script: GDScript = load("res://gdscript-sdk/src%s/%s" % [folder, name])
			if script == null or not script.can_instantiate():
				print("@fail ", name)
			count += 1
	print("@done ", count)
	quit()
