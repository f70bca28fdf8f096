# SPDX-License-Identifier: Apache-2.0
"""Mistakes in interfaces, proxies and implementations do not compile, and the compiler says why."""

import re
import subprocess

import pytest

from unity import _build

# Each is right as it is. A mistake replaces a part of it.
RIGHT = """
class Shop {
 public:
  virtual ~Shop() = default;
  virtual int sell(int count) = 0;
  virtual int stock() const = 0;
};
inline auto interface_of(const Shop*) {
  return cppipc::interface<Shop>("Shop")
      .constructor<int>(cppipc::parameter("stock"))
      .method<&Shop::sell>("sell", cppipc::parameter("count"))
      .property<&Shop::stock>("stock");
}
class ShopProxy final : public cppipc::Proxy<Shop> {
 public:
  using Proxy::Proxy;
  int sell(int count) override { return call<&Shop::sell>(count); }
  int stock() const override { return call<&Shop::stock>(); }
};
ShopProxy* proxy_of(const Shop*);
class OwnShop : public Shop {
 public:
  explicit OwnShop(int stock) : stock_(stock) {}
  int sell(int count) override { return stock_ -= count; }
  int stock() const override { return stock_; }

 private:
  int stock_;
};
inline void use(std::shared_ptr<cppipc::Client> client, cppipc::Registry& registry) {
  cppipc::implement<Shop, OwnShop>(registry);
  cppipc::create<Shop>(client, 3)->sell(1);
}
"""

SELL = "  int sell(int count) override { return call<&Shop::sell>(count); }\n"

# What stands where, what takes its place, and what the compiler says.
MISTAKES = {
    "forgotten": (SELL, "", "leaves a member of its interface without a definition"),
    "misspelt": (SELL, SELL.replace("sell(int", "sel(int"), "marked 'override', but does not"),
    "other_member": ("<&Shop::stock>()", "<&Shop::sell>()", "has another count of parameters"),
    "unlisted": (
        '\n      .property<&Shop::stock>("stock")',
        "",
        "is not in the list of the interf",
    ),
    "argument": ("sell>(count)", 'sell>("two")', "an argument does not convert to the parameter"),
    "parameter": (
        "sell(int count)",
        "sell(struct Goods* count)",
        "a parameter of this type cannot cross to a server",
    ),
    "reference": (
        "  virtual int stock",
        "  virtual const int& stock",
        "return a reference: return",
    ),
    "object": (
        "sell(int count)",
        "sell(std::shared_ptr<Goods> count)",
        "objects that cross by a proxy are of an interface",
    ),
    "no_list": ("interface_of(", "interface_for(", "there is no list of this interface"),
    "no_proxy": ("ShopProxy* proxy_of(const Shop*);", "", "there is no proxy of this interface"),
    "constructor": ("(client, 3)", '(client, "3")', "no constructor that takes these arguments"),
    "too_few": ("(client, 3)", "(client)", "no constructor that takes these arguments"),
    "no_interface": (" = 0;", ";", "an interface is an abstract class"),
    "no_destructor": ("virtual ~Shop() = default;", "", "an interface has a virtual destructor"),
    "stranger": ("OwnShop : public Shop", "OwnShop", "does not derive from the interface"),
    "unfinished": (
        "  int stock() const override { return stock_; }\n",
        "",
        "the implementation leaves a member of the interface without",
    ),
    "unmade": ("explicit OwnShop(int stock)", "OwnShop(int stock, int)", "cannot be made of what"),
    "others_member": ("property<&Shop::stock>", "property<&Goods::size>", "no member function of"),
}

SPACE = re.compile(r"^namespace (\w+) \{$", re.MULTILINE)
PLACE = re.compile(r"mistakes\.cpp:(\d+):")


def program(parts):
    """One source with each part in a namespace of its own."""
    spaces = [f"namespace {name} {{\n{text}}}  // namespace {name}\n" for name, text in parts]
    goods = "struct Goods {\n  int size() const { return 1; }\n};\n"
    includes = "#include <cppipc/implement.h>\n#include <cppipc/proxy.h>\n"
    return includes + goods + "".join(spaces)


def compiled(source, folder):
    file = folder / "mistakes.cpp"
    file.write_text(source)
    flags = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", f"-I{_build.include_dir()}"]
    done = subprocess.run(
        ["g++", *flags, file],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )
    return done.returncode, done.stderr


def told(source, output):
    """The namespace and the text of each error: the last place in the source before it."""
    begins = [(m[1], source[: m.start()].count("\n") + 1) for m in SPACE.finditer(source)]
    found, line = [], 0
    for text in output.splitlines():
        if (place := PLACE.search(text)) is not None:
            line = int(place[1])
        if " error: " in text:
            name = [name for name, begin in begins if begin <= line][-1]
            found.append((name, text.partition(" error: ")[2]))
    return found


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """What the compiler says, by mistake. All are in one source, which takes less time."""
    parts = []
    for name, (right, wrong, _) in MISTAKES.items():
        assert right in RIGHT, name
        parts.append((name, RIGHT.replace(right, wrong)))
    source = program(parts)
    status, output = compiled(source, tmp_path_factory.mktemp("mistakes"))
    assert status == 1
    return told(source, output)


def test_what_is_right_compiles_without_a_word(tmp_path):
    assert compiled(program([("right", RIGHT)]), tmp_path) == (0, "")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told(errors, name):
    of_this = [text for where, text in errors if where == name]
    assert any(MISTAKES[name][2] in text for text in of_this), "\n".join(of_this)
