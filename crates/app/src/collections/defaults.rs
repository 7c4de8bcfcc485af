//! What every collection has without being asked: its id, its system fields and indexes, an auth collection's options.

use bosbase_store::{AuthOptions, Collection, CollectionKind, Field, FieldKind, Index, Rules, random_text};
use serde_json::Map;

use super::fields;

/// The alphabet of the suffix that stands for an id not known yet.
const LOWER_CASE_AND_DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// A collection of `kind` with nothing in it yet.
pub fn blank(kind: CollectionKind) -> Collection {
    let mut collection = Collection {
        id: String::new(),
        name: String::new(),
        kind,
        system: false,
        fields: Vec::new(),
        indexes: Vec::new(),
        rules: Rules::default(),
        options: Map::new(),
        created: String::new(),
        updated: String::new(),
    };
    match kind {
        CollectionKind::Base => {}
        CollectionKind::Auth => collection.options = AuthOptions::of_new_collection().to_stored(),
        CollectionKind::View => collection.set_view_query(String::new()),
    }
    collection
}

/// Adds the system fields and indexes that are missing, and sets on those that are there what they can't be without.
pub fn complete(collection: &mut Collection) {
    match collection.kind {
        CollectionKind::View => {}
        CollectionKind::Base => id_field(collection),
        CollectionKind::Auth => {
            id_field(collection);
            password_field(collection);
            token_key_field(collection);
            email_field(collection);
            flag_field(collection, "emailVisibility");
            flag_field(collection, "verified");
        }
    }
}

fn id_field(collection: &mut Collection) {
    let found = collection
        .fields
        .iter_mut()
        .find(|field| field.name == "id" && matches!(field.kind, FieldKind::Text { .. }));
    let Some(field) = found else {
        let mut list = Vec::new();
        fields::add(
            &mut list,
            Field {
                system: true,
                ..plain("id", text(15, 15, "^[a-z0-9]+$", "[a-z0-9]{15}", true))
            },
        );
        for field in std::mem::take(&mut collection.fields) {
            fields::add(&mut list, field);
        }
        collection.fields = list;
        return;
    };
    field.system = true;
    field.hidden = false;
    if let FieldKind::Text {
        required,
        primary_key,
        pattern,
        ..
    } = &mut field.kind
    {
        *required = true;
        *primary_key = true;
        if pattern.is_empty() {
            "^[a-z0-9]+$".clone_into(pattern);
        }
    }
}

fn password_field(collection: &mut Collection) {
    let found = collection
        .fields
        .iter_mut()
        .find(|field| field.name == "password" && matches!(field.kind, FieldKind::Password { .. }));
    if let Some(field) = found {
        field.system = true;
        field.hidden = true;
        if let FieldKind::Password { required, .. } = &mut field.kind {
            *required = true;
        }
        return;
    }
    let kind = FieldKind::Password {
        help: String::new(),
        min: 8,
        max: 0,
        pattern: String::new(),
        cost: 0,
        required: true,
    };
    let field = Field {
        system: true,
        hidden: true,
        ..plain("password", kind)
    };
    fields::add(&mut collection.fields, field);
}

fn token_key_field(collection: &mut Collection) {
    let found = collection
        .fields
        .iter_mut()
        .find(|field| field.name == "tokenKey" && matches!(field.kind, FieldKind::Text { .. }));
    if let Some(field) = found {
        field.system = true;
        field.hidden = true;
        if let FieldKind::Text { required, .. } = &mut field.kind {
            *required = true;
        }
    } else {
        let field = Field {
            system: true,
            hidden: true,
            ..plain("tokenKey", text(30, 60, "", "[a-zA-Z0-9]{50}", false))
        };
        fields::add(&mut collection.fields, field);
    }
    unique_index(collection, "tokenKey");
}

fn email_field(collection: &mut Collection) {
    let found = collection
        .fields
        .iter_mut()
        .find(|field| field.name == "email" && matches!(field.kind, FieldKind::Email { .. }));
    if let Some(field) = found {
        field.system = true;
        // The record's `emailVisibility` decides who sees it.
        field.hidden = false;
    } else {
        let kind = FieldKind::Email {
            help: String::new(),
            except_domains: Vec::new(),
            only_domains: Vec::new(),
            required: true,
        };
        let field = Field {
            system: true,
            ..plain("email", kind)
        };
        fields::add(&mut collection.fields, field);
    }
    unique_index(collection, "email");
}

fn flag_field(collection: &mut Collection, name: &str) {
    let found = collection
        .fields
        .iter_mut()
        .find(|field| field.name == name && matches!(field.kind, FieldKind::Bool { .. }));
    if let Some(field) = found {
        field.system = true;
        return;
    }
    let kind = FieldKind::Bool {
        help: String::new(),
        required: false,
    };
    let field = Field {
        system: true,
        ..plain(name, kind)
    };
    fields::add(&mut collection.fields, field);
}

/// A field called `name` with no flag set.
fn plain(name: &str, kind: FieldKind) -> Field {
    Field {
        id: String::new(),
        name: name.to_owned(),
        system: false,
        hidden: false,
        presentable: false,
        kind,
    }
}

fn text(min: i64, max: i64, pattern: &str, autogenerate: &str, primary_key: bool) -> FieldKind {
    FieldKind::Text {
        help: String::new(),
        min,
        max,
        pattern: pattern.to_owned(),
        autogenerate_pattern: autogenerate.to_owned(),
        primary_key,
        required: true,
    }
}

fn unique_index(collection: &mut Collection, column: &str) {
    if collection.has_unique(column) {
        return;
    }
    let suffix = if !collection.id.is_empty() {
        collection.id.clone()
    } else if !collection.name.is_empty() {
        collection.name.clone()
    } else {
        random_text(10, LOWER_CASE_AND_DIGITS)
    };
    let index = Index::of_identity(column, &collection.name, &suffix);
    collection.indexes.push(index.statement());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auth_collection_gets_its_fields_in_pocketbases_order() {
        let mut collection = blank(CollectionKind::Auth);
        "au".clone_into(&mut collection.name);
        collection.id = bosbase_store::collection_id(CollectionKind::Auth, "au");
        complete(&mut collection);
        let fields: Vec<&str> = collection.fields.iter().map(|field| field.id.as_str()).collect();
        assert_eq!(
            fields,
            [
                "text3208210256",
                "password901924565",
                "text2504183744",
                "email3885137012",
                "bool1547992806",
                "bool256245529"
            ]
        );
        assert_eq!(
            collection.indexes,
            [
                "CREATE UNIQUE INDEX `idx_tokenKey_pbc_3175637221` ON `au` (`tokenKey`)",
                "CREATE UNIQUE INDEX `idx_email_pbc_3175637221` ON `au` (`email`) WHERE `email` != ''"
            ]
        );
        let before = collection.clone();
        complete(&mut collection);
        assert_eq!(collection, before);
    }
}
