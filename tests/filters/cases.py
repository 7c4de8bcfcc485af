"""The collections, records, filters and rules that `record.py` asks about."""


def text(name, **rest):
    return {"name": name, "type": "text"} | rest


def relation(name, to, many=False, **rest):
    return {"name": name, "type": "relation", "collectionId": to, "maxSelect": 9 if many else 1} | rest


COLLECTIONS = [
    {"id": "pbc_teams000001", "name": "teams", "type": "base", "listRule": "", "fields": [
        text("name"), text("secret", hidden=True), {"name": "budget", "type": "number"}, {"name": "info", "type": "json"},
        relation("parent", "pbc_teams000001"),
    ]},
    {"id": "pbc_people00001", "name": "people", "type": "auth", "listRule": "", "fields": [
        text("name"), relation("team", "pbc_teams000001"),
        {"name": "roles", "type": "select", "values": ["admin", "editor", "reader"], "maxSelect": 3},
        relation("friends", "pbc_people00001", many=True),
    ]},
    {"id": "pbc_posts000001", "name": "posts", "type": "base", "listRule": "", "fields": [
        text("title"), {"name": "body", "type": "editor"}, {"name": "count", "type": "number"},
        {"name": "published", "type": "bool"}, {"name": "day", "type": "date"}, {"name": "site", "type": "url"},
        {"name": "email", "type": "email"}, text("note", hidden=True),
        {"name": "status", "type": "select", "values": ["draft", "live", "old"], "maxSelect": 1},
        {"name": "tags", "type": "select", "values": ["a", "b", "c", "d"], "maxSelect": 4},
        {"name": "meta", "type": "json"}, {"name": "place", "type": "geoPoint"},
        {"name": "cover", "type": "file", "maxSelect": 1}, {"name": "docs", "type": "file", "maxSelect": 9},
        relation("author", "pbc_people00001"), relation("editors", "pbc_people00001", many=True),
        relation("parent", "pbc_posts000001"), relation("related", "pbc_posts000001", many=True),
        {"name": "created", "type": "autodate", "onCreate": True},
    ]},
    {"id": "pbc_comments001", "name": "comments", "type": "base", "listRule": "likes >= 0", "fields": [
        text("text"), {"name": "likes", "type": "number"}, relation("post", "pbc_posts000001"),
        relation("author", "pbc_people00001"), relation("mentions", "pbc_posts000001", many=True),
    ]},
    {"id": "pbc_profiles001", "name": "profiles", "type": "base", "listRule": "public = true", "fields": [
        text("bio"), {"name": "public", "type": "bool"}, relation("person", "pbc_people00001"),
    ], "indexes": ["CREATE UNIQUE INDEX `idx_profile_person` ON `profiles` (`person`)"]},
    {"id": "pbc_vault000001", "name": "vault", "type": "base", "listRule": None, "fields": [
        text("code"), relation("post", "pbc_posts000001"),
    ]},
    {"id": "pbc_overview001", "name": "overview", "type": "view", "listRule": "",
     "viewQuery": "SELECT id, title, count, author, tags FROM posts WHERE count > 1"},
]


def pad(name):
    return name.ljust(15, "0")


def ids(*names):
    return [pad(name) for name in names]


RECORDS = {
    "teams": [
        {"id": pad("red"), "name": "Red", "secret": "s1", "budget": 10, "info": {"a": {"b": [1, 2, {"c": "deep"}]}, "n": 5}},
        {"id": pad("blue"), "name": "Blue", "secret": "s2", "budget": 20, "info": "plain", "parent": pad("red")},
        {"id": pad("grey"), "name": "", "secret": "", "budget": 0, "info": None, "parent": pad("blue")},
    ],
    "people": [
        {"id": pad("ann"), "name": "Ann", "email": "ann@example.com", "emailVisibility": True, "verified": True,
         "team": pad("red"), "roles": ["admin", "editor"]},
        {"id": pad("bob"), "name": "Bob", "email": "bob@example.com", "emailVisibility": False, "verified": False,
         "team": pad("blue"), "roles": ["reader"], "friends": ids("ann")},
        {"id": pad("cyd"), "name": "Cyd", "email": "cyd@other.org", "emailVisibility": True, "verified": True,
         "team": "", "roles": [], "friends": ids("ann", "bob")},
    ],
    "posts": [
        {"id": pad("p1"), "title": "Hello World", "body": "<p>one</p>", "count": 1, "published": True,
         "day": "2024-01-15 10:00:00.000Z", "site": "https://example.com", "email": "p1@example.com", "note": "n1",
         "status": "draft", "tags": ["a"], "meta": {"x": 1, "list": [1, 2], "s": "text", "t": True, "nul": None},
         "place": {"lon": 23.32, "lat": 42.69}, "author": pad("ann"), "editors": ids("ann", "bob"),
         "related": [], "@files": [["cover", "one.txt"], ["docs", "first.txt"], ["docs", "second.txt"]]},
        {"id": pad("p2"), "title": "hello again", "count": 2, "published": False, "day": "2024-06-01 00:00:00.000Z",
         "site": "", "email": "", "note": "n2", "status": "live", "tags": ["a", "b"], "meta": [1, "two", {"k": 3}],
         "place": {"lon": 2.35, "lat": 48.85}, "author": pad("bob"), "editors": ids("bob"), "parent": pad("p1"),
         "related": ids("p1")},
        {"id": pad("p3"), "title": "100% off_sale", "count": 3.5, "published": True, "day": "", "status": "",
         "tags": [], "meta": None, "author": pad("cyd"), "editors": [], "parent": pad("p1"), "related": ids("p1", "p2")},
        {"id": pad("p4"), "title": "", "count": 0, "published": False, "day": "2030-12-31 23:59:59.999Z", "status": "old",
         "tags": ["b", "c"], "meta": "just text", "author": "", "editors": ids("cyd"), "parent": pad("p2"), "related": []},
        {"id": pad("p5"), "title": "it's \"quoted\" \\ back", "count": -4, "published": True,
         "day": "2024-01-15 10:00:00.001Z", "status": "live", "tags": ["a", "b", "c", "d"], "meta": 12.5,
         "place": {"lon": -0.12, "lat": 51.5}, "author": pad("ann"), "editors": ids("ann", "bob", "cyd"),
         "parent": pad("p3"), "related": ids("p3")},
        {"id": pad("p6"), "title": "ünïcode 日本", "count": 7, "published": False, "status": "draft", "tags": ["d"],
         "meta": {"x": "1", "0": "zero"}, "author": pad("bob"), "editors": ids("ann"), "parent": "", "related": ids("p5", "p1")},
        {"id": pad("p7"), "title": "5", "count": 5, "published": True, "status": "live", "tags": ["c"], "meta": {"x": None},
         "author": pad("ann"), "editors": ids("cyd", "ann"), "parent": pad("p4"), "related": []},
    ],
    "comments": [
        {"id": pad("c1"), "text": "nice", "likes": 3, "post": pad("p1"), "author": pad("ann"), "mentions": ids("p2")},
        {"id": pad("c2"), "text": "nice", "likes": 0, "post": pad("p1"), "author": pad("bob"), "mentions": ids("p2", "p3")},
        {"id": pad("c3"), "text": "bad", "likes": 1, "post": pad("p2"), "author": pad("ann"), "mentions": []},
        {"id": pad("c4"), "text": "nice", "likes": -1, "post": pad("p2"), "author": pad("cyd"), "mentions": ids("p5")},
        {"id": pad("c5"), "text": "", "likes": 9, "post": pad("p5"), "author": "", "mentions": ids("p1")},
        {"id": pad("c6"), "text": "lost", "likes": 2, "post": "", "author": pad("cyd"), "mentions": ids("p1", "p5")},
    ],
    "profiles": [
        {"id": pad("r1"), "bio": "a bio", "public": True, "person": pad("ann")},
        {"id": pad("r2"), "bio": "b bio", "public": False, "person": pad("bob")},
    ],
    "vault": [
        {"id": pad("v1"), "code": "xyz", "post": pad("p1")},
        {"id": pad("v2"), "code": "abc", "post": pad("p2")},
    ],
}

# Asked of posts, as a superuser.
POSTS = r"""
id = 'p10000000000000'
title = 'Hello World'
title = "Hello World"
title != 'Hello World'
title = ''
title != ''
title = null
title != null
null = title
'' = title
'' != title
title = title
title != site
title = site
site = email
title ~ 'hello'
title !~ 'hello'
title ~ 'HELLO'
title ~ 'hello%'
title ~ '%d'
title ~ '100%'
title ~ '100\%'
title ~ 'off_sale'
title ~ 'o__sale'
title ~ '_'
title ~ '\_'
title ~ '\\'
title ~ ''
title ~ null
title ~ 5
title = 5
title = '5'
title > 'h'
title >= 'hello again' && title <= 'hello again'
title < 'a'
title ~ 'quoted'
title ~ '"'
title ~ "\""
title ~ '\''
title = 'it\'s "quoted" \\ back'
title = "it's \"quoted\" \ back"
title = 'ünïcode 日本'
title ~ '日'
title:lower = 'hello world'
title:lower ~ 'HELLO'
title:length = 11
title:length > 0
title:each = 'a'
title:isset = true
title:changed = true
title:nope = 1
title::lower = 'a'
count = 2
count = 3.5
count = '2'
count != 2
count > 1
count >= 1 && count < 5
count <= 0
count = -4
count = 0
count != 0
count = ''
count = null
count = true
count ~ 3
count ~ '.5'
count > '1'
2 = count
1 < count
1 = 1
1 = 2
'a' = 'a'
'' = ''
null = ''
null = null
null != null
true = true
true = false
true = 1
'5' = 5
5 > 4
'b' > 'a'
1 != 2
published = true
published = false
published != true
published = 1
published = 'true'
published = TRUE
published
published = null
day = ''
day = null
day != null
day > '2024-01-15'
day > '2024-01-15 10:00:00.000Z'
day >= '2024-01-15 10:00:00.000Z' && day < '2024-02-01'
day ~ '2024-01'
day > @now
day < @now && day != ''
day >= @todayStart
day > @yesterday && day > @tomorrow
day < @monthEnd
@year > 2020 && @month >= 1 && @day >= 1 && @hour >= 0 && @minute >= 0 && @second >= 0 && @weekday <= 6
@yearStart < @yearEnd && @monthStart < @monthEnd && @todayStart < @todayEnd
@nothing > 1
created <= @now
status = 'draft'
status != 'draft'
status = ''
status ~ 'l'
status:each = 'live'
status:each != 'live'
status:length = 1
status:length = 0
status ?= 'live'
tags = 'a'
tags ~ 'a'
tags ~ '"a"'
tags !~ 'a'
tags ?= 'a'
tags:each = 'a'
tags:each ?= 'a'
tags:each != 'a'
tags:each ?!= 'a'
tags:each ~ 'a'
tags:each ?~ 'a'
tags:each !~ 'a'
tags:each ?!~ 'a'
tags:each > 'a'
tags:each ?> 'a'
tags:each >= 'b'
tags:each ?< 'b'
tags:each = ''
tags:each != ''
tags:each = null
tags:each ?= ''
tags:length = 0
tags:length = 2
tags:length > 1
tags:length != 1
tags:each ?= 'a' && tags:each ?= 'b'
tags:each ?= 'a' || tags:each ?= 'c'
tags:each = tags:each
tags:each != tags:each
tags:each = status
tags:each:lower = 'a'
docs:length = 2
docs:each ~ 'first_'
docs:each ?~ 'first_'
cover:length = 1
cover ~ 'one'
cover != ''
meta = null
meta != null
meta = 'just text'
meta = 12.5
meta = ''
meta ~ 'text'
meta.x = 1
meta.x = '1'
meta.x != 1
meta.x = null
meta.x != null
meta.x > 0
meta.list.0 = 1
meta.list.1 = 2
meta.list.9 = 1
meta.0 = 1
meta.1 = 'two'
meta.2.k = 3
meta.s = 'text'
meta.s ~ 'ex'
meta.t = true
meta.nul = null
meta.missing = null
meta.missing.deep = 'x'
meta.missing = ''
meta.x = meta.x
meta.x = count
meta:lower = 'just text'
meta:length = 1
meta:each = 1
meta..x = 1
place.lon > 20
place.lat < 0
place.lat = 0
place.lon = 0 && place.lat = 0
place ~ '42.69'
place.x = null
geoDistance(place.lon, place.lat, 23.32, 42.69) < 1
geoDistance(place.lon, place.lat, 2.35, 48.85) < 500
geoDistance(place.lon, place.lat, 2.35, 48.85) > 500
geoDistance(0, 0, 0, 0) = 0
geoDistance(0, 0, 0, 10) > 1111 && geoDistance(0, 0, 0, 10) < 1113
geoDistance(place.lon, place.lat, count) < 1
geoDistance('1', 2, 3, 4) < 1
geoDistance(missing, 2, 3, 4) < 1
geoDistance(title, place.lat, 23.32, 42.69) < 10000
geoDistance(null, 2, 3, 4) = null
strftime('%Y', day) = '2024'
strftime('%Y-%m', day) = '2024-01'
strftime('%Y', day) = ''
strftime('%Y', day) != ''
strftime('%Y', day) != '2024'
strftime('%Y', title) = ''
strftime('%Y') > '2020'
strftime('%Y-%m-%d', day, '+1 day') = '2024-01-16'
strftime('%d', day, 'start of month', '+1 month', '-1 day') = '31'
strftime('%Y', '2020-01-01') = '2020'
strftime('%Y', 0) = '-4713'
strftime(day) = '2024'
strftime(day, '%Y') = '2024'
strftime() = ''
strftime('%Y', day, day) = '2024'
strftime('%Y', @now) = strftime('%Y')
strftime('%Y', comments_via_post.post.day) = '2024'
strftime('%s', 'bad') = null
unknown(1) = 1
strftime('%Y', strftime('%Y')) = ''
strftime( '%Y' , day ) = '2024'
strftime ('%Y', day) = '2024'
strftime('%Y', day,) = '2024'
author = 'ann000000000000'
author = ''
author != ''
author != 'ann000000000000'
author.id = 'ann000000000000'
author.id = ''
author.name = 'Ann'
author.name != 'Ann'
author.name = ''
author.name = null
author.name ~ 'n'
author.name ?= 'Ann'
author.email = 'bob@example.com'
author.email ~ 'example'
author.verified = true
author.verified != true
author.verified = false
author.team.name = 'Red'
author.team.name != 'Red'
author.team = 'red000000000000'
author.team.id = 'red000000000000'
author.team.info.a.b.0 = 1
author.team.info.a.b.2.c = 'deep'
author.team.info = 'plain'
author.team.secret = 's1'
author.roles ~ 'admin'
author.roles:each ?= 'admin'
author.roles:each = 'admin'
author.roles:length = 2
author.roles:length = 0
author.friends.name ?= 'Ann'
author.friends.name = 'Ann'
author.friends = ''
author.friends:length = 1
author.password != ''
author.tokenKey != ''
author.missing = 1
author.missing.deep = 1
missing = 1
missing.deep = 1
title.deep = 1
editors = 'ann000000000000'
editors ~ 'ann000000000000'
editors ?= 'ann000000000000'
editors:each = 'ann000000000000'
editors:each ?= 'ann000000000000'
editors:length = 2
editors.id = 'ann000000000000'
editors.id ?= 'ann000000000000'
editors.id != 'ann000000000000'
editors.id ?!= 'ann000000000000'
editors.name = 'Ann'
editors.name ?= 'Ann'
editors.name != 'Ann'
editors.name ?!= 'Ann'
editors.name ~ 'n'
editors.name ?~ 'n'
editors.name !~ 'n'
editors.name > 'A'
editors.name < 'C'
editors.name ?< 'C'
editors.name = ''
editors.name != ''
editors.name = null
editors.name ?= null
editors.verified = true
editors.verified ?= false
editors.team.name ?= 'Red'
editors.team.name = 'Red'
editors.team.name ?= 'Red' && editors.team.name ?= 'Blue'
editors.team.name ?= 'Red' && editors.name ?= 'Bob'
editors.name ?= 'Ann' && editors:each ?= 'bob000000000000'
editors.roles:each ?= 'admin'
editors.roles:length > 1
editors.roles:length ?> 1
editors.email ?~ 'other'
editors.name = author.name
editors.name ?= author.name
author.name = editors.name
author.name != editors.name
author ?= editors.id
author = editors.id
editors.friends.name ?= 'Ann'
editors.friends.name = editors.name
editors.friends.name != editors.name
editors.name:lower = 'ann'
editors.name:lower ?= 'ann'
editors.team.info.n ?= 5
editors.team.info.n = 5
parent = ''
parent.title = 'Hello World'
parent.parent.title = 'Hello World'
parent.parent.parent.title = 'Hello World'
parent.parent.parent.parent.parent.parent.title = ''
parent.parent.parent.parent.parent.parent.parent.title = ''
parent.tags:each ?= 'a'
parent.tags:each = 'a'
parent.count < count
related.count < count
related.count ?< count
count > related.count
count ?> related.count
related.title ?~ 'hello'
related.related.count ?> 0
related.related.count > 0
related.id = ''
related = '[]'
related:length = 0
related.author.name = 'Ann'
related.author.name ?= 'Ann'
comments_via_post.text = 'nice'
comments_via_post.text ?= 'nice'
comments_via_post.text != 'nice'
comments_via_post.text ?!= 'nice'
comments_via_post.text = ''
comments_via_post.text ?= ''
comments_via_post.id = ''
comments_via_post.id != ''
comments_via_post.id ?!= ''
comments_via_post.likes > 0
comments_via_post.likes ?> 0
comments_via_post.likes ?> 0 && comments_via_post.text ?= 'nice'
comments_via_post.author.name ?= 'Ann'
comments_via_post.author.name = 'Ann'
comments_via_post.author = author
comments_via_post.author ?= author
comments_via_post.post.title = 'Hello World'
comments_via_post.mentions.title ?~ 'hello'
comments_via_post.mentions:length > 1
comments_via_post.mentions:each ?= 'p20000000000000'
comments_via_mentions.text ?= 'nice'
comments_via_mentions.text = 'nice'
comments_via_mentions.likes > 0
comments_via_mentions.likes ?> 0
comments_via_mentions.author.team.name ?= 'Red'
comments_via_mentions.id = ''
posts_via_parent.title ?= 'hello again'
posts_via_parent.title ~ 'o'
posts_via_parent.id = ''
posts_via_parent.posts_via_parent.id != ''
posts_via_parent.posts_via_parent.id ?!= ''
posts_via_related.count ?> 3
posts_via_author.id = 'x'
author.profiles_via_person.bio = 'a bio'
author.profiles_via_person.bio ~ 'bio'
author.posts_via_author.count > 0
author.posts_via_author.count ?> 6
author.comments_via_author.text ?= 'bad'
comments_via_text.id = ''
comments_via_missing.id = ''
missing_via_post.id = ''
comments_via_author.id = ''
comments_via_post = 'c10000000000000'
@collection.teams.name ?= 'Red'
@collection.teams.name = 'Red'
@collection.teams.name != 'Nope'
@collection.teams.name ?= title
@collection.people.id ?= author
@collection.people.id ?= author && @collection.people.name ?= 'Ann'
@collection.people.id ?= author && @collection.people.team.name ?= 'Blue'
@collection.people:one.id ?= author && @collection.people:two.name ?= 'Ann'
@collection.people:one.id ?= author && @collection.people:two.id ?= editors && @collection.people:two.name ?= 'Bob'
@collection.comments.post ?= id && @collection.comments.likes ?> 2
@collection.comments.likes > -5
@collection.comments.likes > 0
@collection.posts.title ?= title
@collection.posts.count ?> count
@collection.missing.title = ''
@collection.teams.missing = ''
@collection.teams = ''
@collection.teams.info.n ?= 5
@collection.people.roles:each ?= 'reader'
@request.method = 'GET'
@request.context = 'default'
@request.query.q = 'hello'
@request.query.q ?= 'hello'
@request.query.missing = ''
@request.query.missing = null
@request.query.missing:isset = false
@request.query.q:isset = true
@request.query.number = 2
@request.query.number = count
@request.query.q:lower = 'hello'
@request.query.q:length = 1
@request.query.q:each = 'a'
title ~ @request.query.q
@request.query.q ~ title
@request.headers.x_demo = 'yes'
@request.headers.x_demo:isset = true
@request.headers.missing = ''
@request.headers.X_Demo = 'yes'
@request.auth.id != ''
@request.auth.collectionName = '_superusers'
@request.auth.email ~ '@'
@request.auth.missing = ''
@request.auth.missing.deep = ''
@request.body.title:isset = true
@request.body.title = ''
@request.body.title:changed = false
@request.body.missing:changed = false
@request.auth = ''
@request.query = ''
@request.missing.x = ''
@request.body = ''
@request = ''
(title = 'Hello World')
((title = 'Hello World'))
(((((((((((title = 'Hello World')))))))))))
( title = 'Hello World' || title = '' ) && published = true
title = 'Hello World' || title = '' && published = true
published = true && title = '' || count = 2
title = 'a' || (count > 1 && (published = true || (count = 2 && title ~ 'again')))
(title = 'it\'s "quoted" \\ back')
(title ~ 'a"b' || title ~ "it's")
((title ~ "it's \"quoted\""))
title='Hello World'
title='Hello World'&&count=1
title = 'Hello World' // a comment
// only a comment
// first a comment
  title = 'Hello World'
title = 'http://x' // '
count = 1 // x || count = 2
count = 1 / 2
title = 'Hello World' &&
title = 'Hello World' & count = 1
title = 'Hello World' and count = 1
&& title = ''
title =
= 'a'
title
()
title = ()
(title = ''
title = '')
title = '' ()
title = '' (count = 1)
(title = '') (count = 1)
count = 1 || count = 2 (count = 3.5)
count = 1 || count = 2 && count = 2 (count = 0)
(title = '') && ()
'\\\'' = "\'"
'\\' = "\"
'\\a' = '\a'
'\\\\' = '\\\'
'a\"b' = "a\"b"
'\n' = '\\n'
'\t' != ''
"\'" = '\''
title ~ 'quoted" \\'
title ~ '\\%'
title == ''
title <> ''
title =! ''
title ?? ''
title = 'unclosed
title = "mixed'
title = 'a' 'b'
title = a b
title = -
title = 1.
title = .5
count = 1.5.5
count = 1e3
count = +1
count = --1
count = - 1
count = 0x10
count = 00002
count = 99999999999999999999999999
title = 'é'
tïtle = 'x'
title = 'x'; drop table posts
title = 'x' -- comment
title = '' || 1=1) -- 
title = `x`
[title] = 'x'
title = {:x}
title = ?
title = $1
title. = 'x'
.title = 'x'
title: = 'x'
:title = 'x'
#title = 'x'
@title = 'x'
_title = 'x'
1title = 'x'
title, count = 'x'
id ?= 'p10000000000000'
collectionId = 'pbc_posts000001'
collectionName = 'posts'
rowid = 1
_rowid_ = 1
note = 'n1'
author.profiles_via_person.public = true
""".strip("\n").split("\n")

# Asked of other collections, as a superuser.
OTHERS = [
    ("people", "profiles_via_person.bio = 'a bio'"),
    ("people", "profiles_via_person.bio != 'a bio'"),
    ("people", "profiles_via_person.bio = ''"),
    ("people", "email ~ 'example'"),
    ("people", "email:lower ~ 'EXAMPLE'"),
    ("people", "posts_via_author.count > 0"),
    ("people", "posts_via_author.count ?> 0"),
    ("people", "posts_via_editors.title ?~ 'hello'"),
    ("people", "posts_via_editors.title ~ 'hello'"),
    ("people", "posts_via_editors.tags:each ?= 'd'"),
    ("people", "friends.friends.name ?= 'Ann'"),
    ("people", "friends.name = 'Ann'"),
    ("people", "people_via_friends.name ?= 'Cyd'"),
    ("people", "people_via_friends.name = 'Cyd'"),
    ("people", "password = ''"),
    ("people", "tokenKey = ''"),
    ("teams", "info.a.b.2.c = 'deep'"),
    ("teams", "info.a.b.2.c != 'deep'"),
    ("teams", "people_via_team.name = 'Ann'"),
    ("teams", "people_via_team.id = ''"),
    ("teams", "people_via_team.posts_via_author.title ?~ 'hello'"),
    ("teams", "people_via_team.posts_via_author.comments_via_post.text ?= 'bad'"),
    ("comments", "post.author.team.name = 'Red'"),
    ("comments", "post.author = author"),
    ("comments", "post.editors.name ?= author.name"),
    ("comments", "post.editors.name = author.name"),
    ("comments", "mentions.author = author"),
    ("comments", "mentions.author ?= author"),
    ("comments", "mentions.id ?= post"),
    ("comments", "mentions.comments_via_post.text ?= text"),
    ("overview", "count > 2"),
    ("overview", "author.name = 'Ann'"),
    ("overview", "tags:each ?= 'a'"),
    ("overview", "tags ~ 'a'"),
    ("overview", "title = ''"),
]

# Asked by somebody who is not a superuser.
AS_USER = [
    ("posts", "note = 'n1'"),
    ("posts", "email = 'p1@example.com'"),
    ("posts", "author.email = 'ann@example.com'"),
    ("posts", "author.email = 'bob@example.com'"),
    ("posts", "author.email ~ '@'"),
    ("posts", "author.email != ''"),
    ("posts", "author.email = ''"),
    ("posts", "author.email:lower ~ '@'"),
    ("posts", "editors.email ?~ '@'"),
    ("posts", "editors.email ~ '@'"),
    ("posts", "author.team.secret = 's1'"),
    ("posts", "author.team.name = 'Red'"),
    ("posts", "author.password != ''"),
    ("posts", "author.tokenKey != ''"),
    ("posts", "comments_via_post.text ?= 'nice'"),
    ("posts", "comments_via_post.text = 'nice'"),
    ("posts", "comments_via_post.likes ?< 0"),
    ("posts", "comments_via_post.likes ?< 0 || count = 7"),
    ("posts", "comments_via_post.id = ''"),
    ("posts", "comments_via_post.id != '' || count > 3"),
    ("posts", "comments_via_mentions.text ?= 'nice'"),
    ("posts", "vault_via_post.code = 'xyz'"),
    ("posts", "vault_via_post.id = ''"),
    ("posts", "author.profiles_via_person.bio ?~ 'bio'"),
    ("posts", "author.profiles_via_person.bio = 'a bio' || count = 2"),
    ("posts", "author.profiles_via_person.id = ''"),
    ("posts", "@collection.teams.name ?= 'Red'"),
    ("posts", "@request.auth.id != ''"),
    ("posts", "title = '@request.auth.id'"),
    ("posts", "editors.name ?= 'Ann' && count > 0"),
    ("people", "email ~ '@'"),
    ("people", "email = 'bob@example.com'"),
    ("people", "email != 'nobody'"),
    ("people", "verified = true"),
    ("people", "emailVisibility = true"),
    ("people", "strftime('%Y', email) = ''"),
    ("people", "friends.email ?~ 'bob'"),
    ("people", "name = 'Ann' || email = 'bob@example.com'"),
    ("teams", "people_via_team.email = 'ann@example.com'"),
    ("teams", "secret != ''"),
    ("vault", "code = 'xyz'"),
    ("profiles", "bio ~ 'bio'"),
    ("profiles", "person.name = 'Ann'"),
    ("overview", "author.name = 'Ann'"),
]

SORTS = [
    ("posts", "", "count"), ("posts", "", "-count"), ("posts", "", "+count"), ("posts", "", "title,-count"),
    ("posts", "", " -published , count "), ("posts", "", "author.name,id"), ("posts", "", "-author.team.name,id"),
    ("posts", "count > 0", "meta.x,id"), ("posts", "", "place.lat,id"), ("posts", "", "tags:length,id"),
    ("posts", "", "title:lower,id"), ("posts", "", "@rowid"), ("posts", "", "-@rowid"), ("posts", "", "missing"),
    ("posts", "", "note,id"), ("posts", "", "@request.auth.id"), ("posts", "", "@now"), ("posts", "", "count,"),
    ("posts", "", ","), ("posts", "", "null"), ("posts", "", "a,b,c,d,e,f,g,h,i"),
    ("posts", "", "id,id,id,id,id,id,id,id"), ("posts", "", "id,id,id,id,id,id,id,id,id"),
    ("posts", "", "comments_via_post.likes,id"), ("posts", "editors.name ?= 'Ann'", "-count"),
    ("posts", "", "author.email,id"), ("posts", "", "--count"),
    ("posts", "", "count desc"), ("posts", "", "count;id"), ("posts", "", "RANDOM()"), ("posts", "", "'count'"),
    ("overview", "", "-count"), ("overview", "", "@rowid"), ("posts", "", "@collection.teams.name,id"),
    ("posts", "", "parent.count,id"), ("posts", "", "day,id"), ("posts", "", "id:each,id"), ("posts", "", "" + "x" * 256),
]

# List rules, asked by those named.
RULES = [
    ("posts", "@request.auth.id != ''", ["Ann", "guest"]),
    ("posts", "@request.auth.id = author", ["Ann", "Bob", "guest"]),
    ("posts", "author = @request.auth.id", ["Cyd", "guest"]),
    ("posts", "author.id = @request.auth.id", ["Cyd", "guest"]),
    ("posts", "editors ?= @request.auth.id", ["Ann"]),
    ("posts", "editors.id ?= @request.auth.id", ["Ann", "Bob", "guest"]),
    ("posts", "editors.id = @request.auth.id", ["Ann", "Cyd"]),
    ("posts", "@request.auth.id ?= editors.id", ["Ann"]),
    ("posts", "@request.auth.collectionName = 'people'", ["Ann", "guest"]),
    ("posts", "@request.auth.collectionId = 'pbc_people00001'", ["Ann"]),
    ("posts", "@request.auth.verified = true", ["Ann", "Bob", "guest"]),
    ("posts", "@request.auth.verified != true", ["Ann", "Bob", "guest"]),
    ("posts", "@request.auth.email ~ 'example'", ["Ann", "Cyd", "guest"]),
    ("posts", "@request.auth.emailVisibility = false", ["Ann", "Bob"]),
    ("posts", "@request.auth.name = 'Ann'", ["Ann", "Bob", "guest"]),
    ("posts", "@request.auth.name:lower = 'ann'", ["Ann", "Bob"]),
    ("posts", "@request.auth.team = author.team", ["Ann", "Bob", "Cyd", "guest"]),
    ("posts", "@request.auth.team.name = 'Red'", ["Ann", "Bob", "Cyd", "guest"]),
    ("posts", "@request.auth.team.secret = 's1'", ["Ann"]),
    ("posts", "@request.auth.team.info.n = 5", ["Ann", "Bob"]),
    ("posts", "@request.auth.roles ~ 'admin'", ["Ann", "Bob", "guest"]),
    ("posts", "@request.auth.roles:each ?= 'admin'", ["Ann", "Bob", "Cyd"]),
    ("posts", "@request.auth.roles:each = 'admin'", ["Ann", "Bob", "Cyd"]),
    ("posts", "@request.auth.roles:length > 1", ["Ann", "Bob"]),
    ("posts", "@request.auth.friends.id ?= author", ["Bob", "Cyd"]),
    ("posts", "@request.auth.friends.id = author", ["Bob", "Cyd"]),
    ("posts", "@request.auth.posts_via_author.id ?= id", ["Ann", "Bob"]),
    ("posts", "@request.auth.posts_via_author.id ?= parent", ["Ann", "Bob"]),
    ("posts", "@request.auth.profiles_via_person.bio = 'a bio'", ["Ann", "Bob", "Cyd"]),
    ("posts", "@request.auth.missing = ''", ["Ann", "guest"]),
    ("posts", "@request.auth.missing.deep != ''", ["Ann", "guest"]),
    ("posts", "@request.auth.id:isset = true", ["Ann", "guest"]),
    ("posts", "@request.auth.tokenKey != ''", ["Ann", "guest"]),
    ("posts", "note = 'n1'", ["Ann", "guest"]),
    ("posts", "author.email ~ 'bob'", ["Ann", "guest"]),
    ("posts", "vault_via_post.code ?= 'xyz'", ["Ann", "guest"]),
    ("posts", "@collection.vault.post ?= id", ["guest"]),
    ("posts", "@collection.vault.post ?= id && @collection.vault.code ?= 'xyz'", ["guest"]),
    ("posts", "@collection.people.id ?= @request.auth.id && @collection.people.team ?= author.team", ["Ann", "Bob"]),
    ("posts", "@request.query.q = title", ["guest"]),
    ("posts", "@request.headers.x_demo = 'yes' && @request.method = 'GET'", ["guest"]),
    ("posts", "@request.context = 'default'", ["guest"]),
    ("posts", "@request.body.title = ''", ["guest"]),
    ("posts", "(published = true && @request.auth.id = '') || author = @request.auth.id", ["Ann", "Bob", "guest"]),
    ("posts", "missing = 1", ["guest"]),
    ("posts", "title = ", ["guest"]),
    ("posts", "@collection.nope.id = ''", ["guest"]),
    ("posts", "title = '' && editors.nope = 1", ["guest"]),
    ("posts", "@request.auth.whatever.works = 1", ["guest"]),
    ("posts", "nope(1) = 1", ["guest"]),
    ("posts", "title:nope = 1", ["guest"]),
    ("posts", "title ~ 'x' &&& count = 1", ["guest"]),
    ("posts", "(count = 1", ["guest"]),
    ("posts", "count = 1)", ["guest"]),
    ("posts", "author.title.x = 1", ["guest"]),
    ("posts", "comments_via_author.id = 1", ["guest"]),
    ("posts", "title = 'open", ["guest"]),
    ("posts", "title == 1", ["guest"]),
    ("posts", "title = 1.", ["guest"]),
    ("posts", "title", ["guest"]),
    ("posts", "&& title = ''", ["guest"]),
    ("posts", "= ''", ["guest"]),
    ("posts", "title and count = 1", ["guest"]),
    ("posts", "title = 'a' 'b'", ["guest"]),
    ("posts", "title = 'a' b", ["guest"]),
    ("posts", "title = 'a' 5", ["guest"]),
    ("posts", "title = 'a' = 5", ["guest"]),
    ("posts", "title = && count = 1", ["guest"]),
    ("posts", "5 && count = 1", ["guest"]),
    ("posts", "title 5", ["guest"]),
    ("posts", "'a b' 5", ["guest"]),
    ("posts", "()", ["guest"]),
    ("posts", "// nothing", ["guest"]),
    ("posts", "title = '' || ", ["guest"]),
    ("posts", "strftime('%Y'", ["guest"]),
    ("posts", "strftime('%Y') = '' && strftime('%Y', day", ["guest"]),
    ("posts", "strftime((1)) = ''", ["guest"]),
    ("posts", "strftime('%Y' day) = ''", ["guest"]),
    ("posts", "strftime(,) = ''", ["guest"]),
    ("posts", "strftime('%Y', day, 5) = ''", ["guest"]),
    ("posts", "strftime('%Y', missing) = ''", ["guest"]),
    ("posts", "strftime() = ''", ["guest"]),
    ("posts", "strftime(day) = ''", ["guest"]),
    ("posts", "strftime('1','2','3','4','5','6','7','8','9','0','1') = ''", ["guest"]),
    ("posts", "geoDistance(1,2,3) = 1", ["guest"]),
    ("posts", "geoDistance(1,2,3,'4') = 1", ["guest"]),
    ("posts", "geoDistance(1,2,3,missing) = 1", ["guest"]),
    ("posts", "a(b(c(d(e(1))))) = 1", ["guest"]),
    ("posts", "a(b(c(1))) = 1", ["guest"]),
    ("posts", "é = 1", ["guest"]),
    ("posts", "$ = 1", ["guest"]),
    ("posts", "title = 'a', count = 1", ["guest"]),
    ("posts", "title. = 1", ["guest"]),
    ("posts", "#title = 1", ["guest"]),
    ("posts", "@title = 1", ["guest"]),
    ("posts", "@request.missing.a = 1", ["guest"]),
    ("posts", "@request.auth.a. = 1", ["guest"]),
    ("posts", "@request.query.a:length = 1", ["guest"]),
    ("posts", "@request.body.title:each = 1", ["guest"]),
    ("posts", "@request.body.title:nope = 1", ["guest"]),
    ("posts", "@request.body.nope:each = 1", ["guest"]),
    ("posts", "@request.body.nope:changed = 1", ["guest"]),
    ("posts", "@collection.teams = 1", ["guest"]),
    ("posts", "@collection.teams.nope = 1", ["guest"]),
    ("posts", "comments_via_text.id = 1", ["guest"]),
    ("posts", "comments_via_nope.id = 1", ["guest"]),
    ("posts", "nope_via_nope.id = 1", ["guest"]),
    ("posts", "parent.parent.parent.parent.parent.parent.parent.id.a = ''", ["guest"]),
    ("posts", "parent.parent.parent.parent.parent.parent.parent.parent.title = ''", ["guest"]),
    ("posts", "count = --1", ["guest"]),
    ("posts", "count = -", ["guest"]),
    ("posts", "count | 1", ["guest"]),
    ("posts", "1 = nope", ["guest"]),
    ("posts", "&&".join(["1=1"] * 201), ["guest"]),
    ("people", "id = @request.auth.id", ["Ann", "guest"]),
    ("people", "friends.id ?= @request.auth.id", ["Ann"]),
    ("people", "@request.auth.friends.id ?= id", ["Cyd"]),
    ("people", "team = @request.auth.team && team != ''", ["Ann", "Cyd"]),
    ("overview", "author = @request.auth.id", ["Ann", "guest"]),
    ("overview", "author.team.name = 'Blue'", ["guest"]),
]

# A list rule with a client's filter on top of it.
RULES_AND_FILTERS = [
    ("posts", "author.team.secret = 's1'", "author.team.name = 'Red'", "Ann"),
    ("posts", "author.team.secret = 's1'", "author.team.secret = 's1'", "Ann"),
    ("posts", "editors.name ?= 'Ann'", "editors.name ?= 'Bob'", "Ann"),
    ("posts", "editors.name ?= 'Ann'", "editors.email ?~ 'bob'", "Ann"),
    ("posts", "vault_via_post.code ?= 'xyz'", "count > 0", "guest"),
    ("posts", "vault_via_post.code ?= 'xyz'", "vault_via_post.code ?= 'xyz'", "guest"),
    ("posts", "comments_via_post.likes ?< 0", "count > 0", "guest"),
    ("posts", "comments_via_post.likes ?< 0", "comments_via_post.text ?= 'nice'", "guest"),
    ("posts", "count > 1 || count < 0", "title ~ 'o' || title ~ 'a'", "guest"),
]

# Rules about a change, the record and the change.
UPDATES = [
    ("@request.body.title:isset = true", {"title": "x"}),
    ("@request.body.title:isset = false", {"title": "x"}),
    ("@request.body.title:isset = false", {"count": 9}),
    ("@request.body.title = 'x'", {"title": "x"}),
    ("@request.body.title:lower = 'x'", {"title": "X"}),
    ("@request.body.title != title", {"title": "x"}),
    ("@request.body.title:changed = true", {"title": "x"}),
    ("@request.body.title:changed = true", {"title": "hello again"}),
    ("@request.body.title:changed = false", {"title": "hello again"}),
    ("@request.body.title:changed = false", {"count": 9}),
    ("@request.body.count:changed = true", {"count": 2}),
    ("@request.body.count:changed = true", {"count": 3}),
    ("@request.body.published:changed = true", {"published": True}),
    ("@request.body.published:changed = true", {"published": False}),
    ("@request.body.author:changed = true", {"author": "ann000000000000"}),
    ("@request.body.author:changed = false", {"author": "bob000000000000"}),
    ("@request.body.tags:changed = true", {"tags": ["a", "b"]}),
    ("@request.body.tags:changed = true", {"tags": ["a"]}),
    ("@request.body.count > 5", {"count": 6}),
    ("@request.body.count > 5", {"count": 4}),
    ("@request.body.count > count", {"count": 4}),
    ("@request.body.published = true", {"published": True}),
    ("@request.body.published = false", {"title": "x"}),
    ("@request.body.tags:length = 2", {"tags": ["c", "d"]}),
    ("@request.body.tags:length = 1", {"tags": ["c"]}),
    ("@request.body.tags:length = 0", {"title": "x"}),
    ("@request.body.tags:each = 'c'", {"tags": ["c"]}),
    ("@request.body.tags:each = 'c'", {"tags": ["c", "d"]}),
    ("@request.body.tags:each ?= 'c'", {"tags": ["c", "d"]}),
    ("@request.body.tags:each != 'a'", {"tags": ["c", "d"]}),
    ("@request.body.tags:each ?= tags:each", {"tags": ["b", "d"]}),
    ("@request.body.tags:each = ''", {"title": "x"}),
    ("@request.body.status:each = 'live'", {"status": "live"}),
    ("@request.body.status:length = 1", {"status": "live"}),
    ("@request.body.title:length = 1", {"title": "x"}),
    ("@request.body.author = @request.auth.id", {"author": "ann000000000000"}),
    ("@request.body.author = @request.auth.id", {"author": "cyd000000000000"}),
    ("@request.body.author.name = 'Ann'", {"author": "ann000000000000"}),
    ("@request.body.author.name = 'Ann'", {"author": "cyd000000000000"}),
    ("@request.body.author.team.secret = 's1'", {"author": "ann000000000000"}),
    ("@request.body.author.name = 'Ann'", {"title": "x"}),
    ("@request.body.author.name = ''", {"title": "x"}),
    ("@request.body.author.missing = ''", {"author": "ann000000000000"}),
    ("@request.body.editors.name = 'Ann'", {"editors": ["ann000000000000"]}),
    ("@request.body.editors.name = 'Ann'", {"editors": ["ann000000000000", "bob000000000000"]}),
    ("@request.body.editors.name ?= 'Ann'", {"editors": ["ann000000000000", "bob000000000000"]}),
    ("@request.body.editors.team.name ?= 'Blue'", {"editors": ["ann000000000000", "bob000000000000"]}),
    ("@request.body.editors.id ?= @request.auth.id", {"editors": ["ann000000000000", "bob000000000000"]}),
    ("@request.body.editors:each ?= @request.auth.id", {"editors": ["ann000000000000", "bob000000000000"]}),
    ("@request.body.editors:each = @request.auth.id", {"editors": ["ann000000000000", "bob000000000000"]}),
    ("@request.body.editors:length <= 2", {"editors": ["ann000000000000", "bob000000000000"]}),
    ("@request.body.meta.x = 1", {"meta": {"x": 1}}),
    ("@request.body.meta.x = 2", {"meta": {"x": 1}}),
    ("@request.body.meta.x:isset = true", {"meta": {"x": None}}),
    ("@request.body.meta.list.1 = 'b'", {"meta": {"list": ["a", "b"]}}),
    ("@request.body.missing = 'x'", {"missing": "x"}),
    ("@request.body.missing:isset = true", {"missing": "x"}),
    ("@request.body.missing = ''", {"title": "x"}),
    ("@request.body.note:isset = false && author = 'bob000000000000'", {"title": "x"}),
    ("@request.method = 'PATCH'", {"title": "x"}),
    ("title = 'hello again' && @request.auth.id != ''", {"title": "x"}),
]

CREATES = [
    ("title = 'x'", {"title": "x"}),
    ("title = 'y'", {"title": "x"}),
    ("count > 1", {"count": 2}),
    ("count = 0 && published = false && status = '' && tags:length = 0", {}),
    ("tags:each ?= 'a'", {"tags": ["a", "b"]}),
    ("tags:each = 'a'", {"tags": ["a", "b"]}),
    ("tags:length = 2", {"tags": ["a", "b"]}),
    ("author = @request.auth.id", {"author": "ann000000000000"}),
    ("author = @request.auth.id", {"author": "bob000000000000"}),
    ("author.name = 'Ann'", {"author": "ann000000000000"}),
    ("author.name = 'Ann'", {"author": "bob000000000000"}),
    ("author.team.name = 'Red'", {"author": "ann000000000000"}),
    ("editors.name ?= 'Ann'", {"editors": ["ann000000000000", "bob000000000000"]}),
    ("editors.name = 'Ann'", {"editors": ["ann000000000000", "bob000000000000"]}),
    ("meta.x = 1", {"meta": {"x": 1}}),
    ("meta = 'a'", {"meta": "a"}),
    ("place.lon > 1", {"place": {"lon": 2, "lat": 3}}),
    ("id != ''", {}),
    ("posts_via_parent.id = ''", {}),
    ("author.posts_via_author.title ?= 'Hello World'", {"author": "ann000000000000"}),
    ("parent.posts_via_parent.count ?> 1", {"parent": "p10000000000000"}),
    ("id = 'abcdefghijklmno'", {"id": "abcdefghijklmno"}),
    ("parent.title = 'Hello World'", {"parent": "p10000000000000"}),
    ("comments_via_post.id = ''", {"title": "x"}),
    ("@collection.posts.title ?= 'Hello World'", {"title": "x"}),
    ("@collection.posts.title ?= title", {"title": "x"}),
    ("@collection.posts.title ?= title", {"title": "Hello World"}),
    ("@collection.comments.post ?= parent", {"parent": "p10000000000000"}),
    ("@request.body.title:isset = true", {"title": "x"}),
    ("@request.body.title:changed = true", {"title": "x"}),
    ("@request.body.title = title", {"title": "x"}),
    ("day > '2020'", {"day": "2024-01-01 00:00:00.000Z"}),
    ("day = '2024-01-01 00:00:00.000Z'", {"day": "2024-01-01"}),
    ("published = true", {"published": True}),
    ("published = true", {"published": False}),
    ("count = '5'", {"count": 5}),
    ("title = 5", {"title": "5"}),
    ("", {"title": "x"}),
]

QUERY = {"q": "hello", "number": "2"}


def all_cases():
    for filter in POSTS:
        yield {"kind": "filter", "collection": "posts", "filter": filter, "as": "superuser", "query": QUERY}
    for long in ["title = '" + "x" * 3488 + "'", "title = '" + "x" * 3490 + "'", "é" + "x" * 3500,
                 "||".join(["1=1"] * 200), "||".join(["1=2"] * 201), "&&".join(["1=1"] * 201),
                 "(" * 50 + "1=1" + ")" * 50]:
        yield {"kind": "filter", "collection": "posts", "filter": long, "as": "superuser"}
    for collection, filter in OTHERS:
        yield {"kind": "filter", "collection": collection, "filter": filter, "as": "superuser"}
    for collection, filter in AS_USER:
        for who in ["Ann", "guest"]:
            yield {"kind": "filter", "collection": collection, "filter": filter, "as": who}
    for collection, filter, sort in SORTS:
        # To a guest PocketBase tells the order of hidden addresses; test_hidden_addresses.py says what is right.
        for who in ["superuser"] if ".email" in sort else ["superuser", "guest"]:
            yield {"kind": "filter", "collection": collection, "filter": filter, "sort": sort, "as": who}
    for collection, rule, askers in RULES:
        for who in askers:
            yield {"kind": "rule", "collection": collection, "rule": rule, "as": who, "query": {"q": "Hello World"}}
    for collection, rule, filter, who in RULES_AND_FILTERS:
        yield {"kind": "rule", "collection": collection, "rule": rule, "filter": filter, "as": who}
    for rule, body in UPDATES:
        yield {"kind": "update", "collection": "posts", "id": pad("p2"), "rule": rule, "body": body, "as": "Ann"}
    for rule, body in CREATES:
        yield {"kind": "create", "collection": "posts", "rule": rule, "body": body, "as": "Ann"}
