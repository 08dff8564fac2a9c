"""The page around the sections: its look, and the plotting library inside it.

The library is held compressed (2 MB in place of 4.8), which the browser unpacks itself. Nothing is
asked of any other machine: the page's own policy forbids it.
"""

from __future__ import annotations

import base64
import functools
import html
import zlib
from collections.abc import Sequence

from plotly import offline

from ml.report.style import STYLE

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
)
# a plot is redrawn for paper, whose width no window tells
_SCRIPT = """
(async () => {
  const config = {displayModeBar: false, plotlyServerURL: '', responsive: true};
  const boxes = [...document.querySelectorAll('.plot')];
  if (!boxes.length) return;
  const packed = atob(document.getElementById('plotly').textContent);
  const bytes = Uint8Array.from(packed, one => one.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  const code = document.createElement('script');
  code.textContent = await new Response(stream).text();
  document.head.append(code);
  // plotly breaks no title by itself
  const broken = text => text.replace(/(.{18,}?) /g, '$1<br>');
  const narrow = document.documentElement.clientWidth < 600;
  const drawn = [];
  for (const box of boxes) {
    const figure = JSON.parse(box.querySelector('script').textContent);
    if (narrow) {
      figure.layout.font = {...figure.layout.font, size: 10};
      for (const axis of [figure.layout.xaxis, figure.layout.yaxis])
        if (axis?.title?.text) axis.title.text = broken(axis.title.text);
    }
    const target = document.createElement('div');
    box.append(target);
    box.classList.add('drawn');
    await Plotly.newPlot(target, figure.data, figure.layout, config);
    drawn.push(target);
  }
  addEventListener('beforeprint', () => {
    for (const plot of drawn) Plotly.relayout(plot, {autosize: false, width: 660});
  });
  addEventListener('afterprint', () => {
    for (const plot of drawn) Plotly.relayout(plot, {autosize: true, width: null});
  });
})();
"""


def page(title: str, subtitle: str, sections: Sequence[str]) -> str:
    """The whole page.

    Parameters
    ----------
    title, subtitle : str
    sections : sequence of str
        Markup, as :mod:`ml.report.elements` makes it.
    """
    body = "\n".join(sections)
    library = f'<script id="plotly" type="text/plain">{_packed()}</script>'
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body><main>"
        f'<h1>{html.escape(title)}</h1><p class="sub">{html.escape(subtitle)}</p>\n'
        f"{body}\n</main>\n{library}<script>{_SCRIPT}</script></body></html>\n"
    )


@functools.cache
def _packed() -> str:
    return base64.b64encode(zlib.compress(offline.get_plotlyjs().encode(), 9)).decode()
