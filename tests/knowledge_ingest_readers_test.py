"""What readers make of documents: blocks without markup, code as it was, titles, dates, tags, addresses."""

from __future__ import annotations

import pytest

from kubelore.knowledge.ingest import readers
from kubelore.knowledge.ingest.page import Block, Page, Unreadable, markdown


def page(name: str, text: str) -> Page:
    return readers.read(name, text.encode())


def blocks(name: str, text: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in page(name, text).blocks]


MARKDOWN = """---
title: Node clock skew
date: 2024-03-01
description: When clocks of nodes drift apart.
tags: [node, Time]
---

# NodeClockSkew

See [the manual](https://example.org/ntp "title") and `timedatectl` on **all** <node>s.

1. look
   - at `chronyd`
2. mend:

   ```shell
   $ chronyc tracking

   $ chronyc makestep
   ```

| Port | Used by |
|------|---------|
| 123  | NTP     |

<details><summary>More</summary>

Text in it.

</details>
"""


def test_markdown_becomes_blocks_without_markup_and_code_stays_as_it_was() -> None:
    assert blocks("runbooks/x.md", MARKDOWN) == [
        ("prose", "When clocks of nodes drift apart."),
        ("prose", "See the manual and `timedatectl` on all <node>s."),
        ("list", "1. look\n  - at `chronyd`\n2. mend:"),
        ("code", "$ chronyc tracking\n\n$ chronyc makestep"),
        ("table", "Port | Used by\n123 | NTP"),
        ("prose", "More"),
        ("prose", "Text in it."),
    ]


def test_front_matter_gives_date_and_tags_and_the_page_says_how_its_title_is_written() -> None:
    read = page("runbooks/x.md", MARKDOWN)
    assert (read.title, read.time, read.tags) == ("NodeClockSkew", "2024-03-01T00:00:00Z", ("node", "Time"))


def test_toml_front_matter() -> None:
    read = page("a.md", '+++\ntitle = "Quota"\nlastmod = 2023-01-02T03:04:05+01:00\n+++\nFull.\n')
    assert (read.title, read.time) == ("Quota", "2023-01-02T02:04:05Z")


@pytest.mark.parametrize(
    "matter",
    [
        "---\n: [\n---\n",
        "---\ntitle: x\n",
        "---\n- a\n---\n",
        "+++\nx = \n+++\n",
        "---\na: " + "[" * 5000 + "\n---\n",
        "---\na: &a [b]\nc: &c [*a, *a]\ntitle: [*c, *c]\n: x\n---\n",
    ],
)
def test_malformed_front_matter_is_text_and_nothing_is_lost(matter: str) -> None:
    assert "the text" in markdown(page("a.md", f"{matter}\nthe text\n").blocks)


def test_a_heading_that_says_something_else_than_the_title_stays() -> None:
    read = page("a.md", "---\ntitle: Storage\n---\n# Volumes that fill up\n\nText.\n")
    assert read.title == "Storage"
    assert read.blocks[0] == Block("heading", "Volumes that fill up", 1)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("runbooks/KubeDown.md", "KubeDown"),
        ("etcd/_index.md", "etcd"),
        ("README", "README"),
        ("a/README.md", "a"),
    ],
)
def test_a_document_without_a_title_is_called_after_its_file(name: str, title: str) -> None:
    assert page(name, "Only text.\n").title == title


def test_hugo_shortcodes_leave_what_they_wrap_and_show() -> None:
    text = """{{< note >}}
Drain {{< glossary_tooltip text="nodes" term_id="node" >}} first.
{{< /note >}}

## {{% heading "whatsnext" %}}

{{< highlight yaml "linenos=table" >}}
kind: Pod
{{< /highlight >}}

See [this page]({{< ref "./other.md" >}}) or write {{</* note */>}}.
{{< comment >}} not for readers {{< /comment >}}

{{ $variable }} and {{range .items}} stay.
"""
    assert blocks("a.md", text) == [
        ("prose", "Drain nodes first."),
        ("heading", "What's next"),
        ("code", "kind: Pod"),
        ("prose", "See this page or write {{< note >}}."),
        ("prose", "{{ $variable }} and {{range .items}} stay."),
    ]


def test_shortcodes_around_code_are_code_when_they_have_an_end() -> None:
    inline = '{{< codeFromInline lang="bash" >}}\n# a comment\nls\n{{< /codeFromInline >}}'
    text = f'{inline}\n\nSee {{{{< code_sample file="a.yaml" >}}}}.\n'
    assert [(b.kind, b.text, b.language) for b in page("a.md", text).blocks] == [
        ("code", "# a comment\nls", "bash"),
        ("prose", "See a.yaml.", ""),
    ]


def test_what_a_page_says_to_its_site_generator_is_left_out() -> None:
    text = (
        "---\ndescription: |\n  First.\n\n  - a [link]\n\n  [link]: https://x\n---\n"
        'import Cards from "@theme/Cards";\n\n## Usage {#usage}\n\ntext\n\n'
        "## More {/* #more */}\n\n<Cards />\nmore\n"
    )
    assert blocks("a.mdx", text) == [
        ("prose", "First."),
        ("list", "- a link"),
        ("heading", "Usage"),
        ("prose", "text"),
        ("heading", "More"),
        ("prose", "more"),
    ]


HTML = """<!doctype html><html><head><title>Eviction | Docs</title>
<link rel="canonical" href="https://example.org/eviction/"><meta name="date" content="2022-05-06">
<style>p {}</style></head><body><header>Menu</header><nav><ul><li>elsewhere</li></ul></nav>
<main><h1>Node-pressure eviction<a class="anchor">¶</a></h1>
<p>The kubelet <code>evicts</code> pods &amp; more.<p>Second<br>line
<ul><li>one<ul><li>inner</ul><li><p>two</p><pre><code class="language-yaml">a: 1
b:
  - <span>c</span></code></pre></ul>
<table><tr><th>Signal<th>Means<tr><td><p>memory.available</p><td>free memory</table>
<dl><dt>soft<dd>with grace</dl></main><footer>Legal</footer></body></html>"""


def test_html_becomes_the_blocks_of_its_main_part() -> None:
    read = page("x.html", HTML)
    assert (read.title, read.url, read.time) == (
        "Node-pressure eviction",
        "https://example.org/eviction/",
        "2022-05-06T00:00:00Z",
    )
    assert [(b.kind, b.text, b.language) for b in read.blocks] == [
        ("prose", "The kubelet `evicts` pods & more.", ""),
        ("prose", "Second\nline", ""),
        ("list", "- one\n  - inner\n- two", ""),
        ("code", "a: 1\nb:\n  - c", "yaml"),
        ("table", "Signal | Means\nmemory.available | free memory", ""),
        ("prose", "soft: with grace", ""),
    ]


def test_html_without_a_main_part_is_read_without_what_is_around_it() -> None:
    html = "<html><body><header>Menu</header><h1>T</h1><p>Text</p><footer>Legal</footer></body></html>"
    assert blocks("x.html", html) == [("prose", "Text")]


RST = """.. _target:

=============
Disk pressure
=============

See :ref:`the guide <guide>`, ``df`` and `more <https://example.org>`_ **now**.

Diagnosis
---------

Run::

    $ df -h
      /var

.. code-block:: yaml
   :linenos:

   a: 1

.. note:: Be careful
   with it.

- first
- second::

    code of it

.. toctree::

   other

===== =====
a     b
===== =====
1     2
===== =====
"""


def test_restructured_text_becomes_blocks() -> None:
    read = page("x.rst", RST)
    assert read.title == "Disk pressure"
    assert [(b.kind, b.text) for b in read.blocks] == [
        ("prose", "See the guide, `df` and more now."),
        ("heading", "Diagnosis"),
        ("prose", "Run:"),
        ("code", "$ df -h\n  /var"),
        ("code", "a: 1"),
        ("prose", "Be careful with it."),
        ("list", "- first\n- second:"),
        ("code", "code of it"),
        ("table", "a | b\n1 | 2"),
    ]


RST_TABLES = """\
=======  =================
Reason   What to do
=======  =================
Evicted  make room on the
         node
BackOff  ``kubectl logs``
=======  =================

+--------+-------------+
| Reason | What to do  |
+========+=============+
| Killed | raise the   |
|        | **limit**   |
+--------+-------------+

.. list-table:: Alerts
   :header-rows: 1

   * - Name
     - Level
   * - Down
     - page, at
       once
   * - Slow
     -
"""


def test_tables_of_restructured_text_become_rows() -> None:
    assert [(b.kind, b.text) for b in page("x.rst", RST_TABLES).blocks] == [
        ("table", "Reason | What to do\nEvicted | make room on the node\nBackOff | `kubectl logs`"),
        ("table", "Reason | What to do\nKilled | raise the limit"),
        ("prose", "Alerts"),
        ("table", "Name | Level\nDown | page, at once\nSlow |"),
    ]


def test_plain_text_keeps_its_lines_and_indented_blocks_are_code() -> None:
    text = "KUBELET RESTARTS\n\nfirst line\nsecond line\n\n    df -h\n\nSteps\n=====\n1. look\n2. mend\n"
    read = page("notes.txt", text)
    assert read.title == "KUBELET RESTARTS"
    assert [(b.kind, b.text) for b in read.blocks] == [
        ("prose", "first line\nsecond line"),
        ("code", "df -h"),
        ("heading", "Steps"),
        ("list", "1. look\n2. mend"),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("# A heading\n\ntext\n\n```sh\nls\n```\n", "code"),
        ("<html><body><p>x</p><pre>ls</pre></body></html>", "code"),
        ("Title\n\ntext::\n\n    ls\n", "code"),
    ],
)
def test_a_file_without_a_telling_name_is_read_by_what_is_in_it(text: str, kind: str) -> None:
    assert blocks("runbook", text)[-1] == (kind, "ls")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_usual_encodings(encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    read = readers.read("a.md", f"{mark}Größe überprüfen – läuft\r\n".encode(encoding))
    assert markdown(read.blocks) == "Größe überprüfen – läuft"


def test_html_says_its_encoding() -> None:
    html = '<html><head><meta charset="iso-8859-2"></head><body><p>Żółć</p></body></html>'
    assert markdown(readers.read("a.html", html.encode("iso-8859-2")).blocks) == "Żółć"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"---\ntitle: x\n---\n", b"# Only\n\n## headings\n"])
def test_a_document_without_text_is_said_to_have_none(content: bytes) -> None:
    with pytest.raises(Unreadable, match="no text"):
        readers.read("a.md", content)


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\0\0\0", bytes(range(256)) * 40, b"\x7fELF\x02\x01\x01\0"]
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable, match="binary"):
        readers.read("a.txt", content)


def test_code_with_fences_in_it_is_fenced_by_longer_ones() -> None:
    inner = "```yaml\na: 1\n```"
    written = markdown([Block("code", inner, language="md")])
    assert blocks("a.md", written) == [("code", inner)]
