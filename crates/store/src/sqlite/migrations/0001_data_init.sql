-- The three tables of data.db that are not collections, column by column as PocketBase 0.40 makes them.
CREATE TABLE `_migrations` (file VARCHAR(255) PRIMARY KEY NOT NULL, applied INTEGER NOT NULL);
CREATE TABLE `_params` (
	`id`      TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
	`value`   JSON DEFAULT NULL,
	`created` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL,
	`updated` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL
);
CREATE TABLE `_collections` (
	`id`         TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
	`system`     BOOLEAN DEFAULT FALSE NOT NULL,
	`type`       TEXT DEFAULT "base" NOT NULL,
	`name`       TEXT UNIQUE NOT NULL,
	`fields`     JSON DEFAULT "[]" NOT NULL,
	`indexes`    JSON DEFAULT "[]" NOT NULL,
	`listRule`   TEXT DEFAULT NULL,
	`viewRule`   TEXT DEFAULT NULL,
	`createRule` TEXT DEFAULT NULL,
	`updateRule` TEXT DEFAULT NULL,
	`deleteRule` TEXT DEFAULT NULL,
	`options`    JSON DEFAULT "{}" NOT NULL,
	`created`    TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL,
	`updated`    TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL
);
CREATE INDEX idx__collections_type on `_collections` (`type`);
