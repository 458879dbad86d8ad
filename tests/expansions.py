"""Expressions with variables, and what kustomize-controller's ``postBuild`` makes of them.

tests/e2e/flux has the real controller agree with each of these.
"""

from __future__ import annotations

VARIABLES = {
    "name": "shop",
    "empty": "",
    "path": "a/b/c.tar.gz",
    "mixed": "hElLo Wörld",
    "word": "straße",
    "number": "42",
    "dots": "1.2.3",
    "lines": "one\ntwo",
    "star": "a*b?c[d]",
    "_x1": "underscore",
}

# Each text, and what becomes of it.
EXPANSIONS: dict[str, str] = {
    "${name}": "shop",
    "a ${name} b ${name}": "a shop b shop",
    "${missing}": "",
    "<${empty}>": "<>",
    "${_x1}": "underscore",
    "$name": "$name",
    "$$name": "$name",
    "$${name}": "${name}",
    "$$${name}": "$shop",
    "$$$${name}": "$${name}",
    "cost: 5$": "cost: 5$",
    "$": "$",
    "$ {name}": "$ {name}",
    "}": "}",
    "${lines}": "onetwo",
    # Defaults: every form of them means the same, and a set variable is never replaced.
    "${missing:-dflt}": "dflt",
    "${empty:-dflt}": "dflt",
    "${name:-dflt}": "shop",
    "${missing:=dflt}": "dflt",
    "${missing=dflt}": "dflt",
    "${name=dflt}": "shop",
    "${missing:+dflt}": "dflt",
    "${name:+dflt}": "shop",
    "${missing:?dflt}": "dflt",
    "<${missing:-}>": "<>",
    "${missing:-a b}": "a b",
    "${missing:-${name}}": "shop",
    "${missing:-a${name}b}": "ashopb",
    "${missing:-${other:-${name}}}": "shop",
    "${missing:-a:b/c}": "a:b/c",
    "${missing:-$}": "$",
    # Lengths and slices count the bytes of UTF-8.
    "${#name}": "4",
    "${#missing}": "0",
    "${#word}": "7",
    "${name:1}": "hop",
    "${name:1:2}": "ho",
    "${name:9}": "",
    "${name:1:9}": "hop",
    "${name:0:-1}": "sho",
    "${name:3:-3}": "",
    "${name: -2}": "shop",
    "${name:x}": "shop",
    "${name:1:x}": "shop",
    "${name:+1}": "shop",
    "${mixed:0:5}": "hElLo",
    # Cases.
    "${mixed^}": "HElLo Wörld",
    "${mixed^^}": "HELLO WÖRLD",
    "${mixed,}": "hElLo Wörld",
    "${mixed,,}": "hello wörld",
    "${word^^}": "STRAßE",
    "${mixed^,}": "hElLo Wörld",
    "<${empty^}>": "<>",
    # Replacements.
    "${path/a/x}": "x/b/c.tar.gz",
    "${dots/./_}": "1_2.3",
    "${dots//./_}": "1_2_3",
    "${dots/./}": "12.3",
    "${dots//./}": "123",
    r"${path/\//-}": "a-b/c.tar.gz",
    r"${path//\//-}": "a-b-c.tar.gz",
    "${name/#s/S}": "Shop",
    "${name/#h/H}": "shop",
    "${name/%p/P}": "shoP",
    "${name/%o/O}": "shop",
    "${name/#s/}": "shop",
    "${path/a/${name}}": "shop/b/c.tar.gz",
    "${name/${name}/x}": "x",
    # What patterns take away.
    "${path#*/}": "b/c.tar.gz",
    "${path##*/}": "c.tar.gz",
    "${path%.*}": "a/b/c.tar",
    "${path%%.*}": "a/b/c",
    "${path#x}": "a/b/c.tar.gz",
    "${path#?}": "/b/c.tar.gz",
    "${path#[a-c]/}": "b/c.tar.gz",
    "${path#[^a-c]}": "a/b/c.tar.gz",
    "${star#a\\*}": "b?c[d]",
    "${path#[}": "a/b/c.tar.gz",
    "${word#str?}": "ße",
    "${dots%.[0-9]}": "1.2.3",
    "${dots%%[.]*}": "1.2.3",
}

# With these no variable that is not set stands alone, which Flux refuses unless told otherwise.
STRICT = {
    text: said for text, said in EXPANSIONS.items() if text not in {"${missing}", "${#missing}"}
}

# What is no expression: the whole build fails.
MALFORMED = (
    "${",
    "${}",
    "${name",
    "${name-x}",
    "${name+x}",
    "${na-me}",
    "${na.me}",
    "${name:}",
    "${name#}",
    "${name/a",
    "${name/}",
    "${#}",
    "${#name:1}",
    "${name:1${number}}",
    "${missing:-",
    "${ name}",
    "${!name}",
    "${name@Q}",
)
