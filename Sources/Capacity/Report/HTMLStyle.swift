// The page's style sheet. Colours are told apart by people with common colour blindness (Okabe and Ito, 2008); marks,
// dashes and hollow shapes tell the same on paper without colour.

enum HTMLStyle {
  static let sheet = [colours, languages, text, tables, charts, narrow, paper].joined(separator: "\n")

  private static let light = """
    --ink: #1d2126; --soft: #56606a; --paper: #ffffff; --card: #f4f6f8; --line: #d8dee4; --s8: #0072b2;
    --bf16: #c2570c; --f32: #00825f; --f64: #a8558a; --in: #ffffff; --good: #007a59; --fair: #8f6200; --bad: #c02f1d;
    """

  private static let colours = """
    :root { color-scheme: light dark; \(light) }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a3aeb8; --paper: #14181c; --card: #1d2329;
      --line: #343c44; --s8: #56b4e9; --bf16: #f0a05a; --f32: #3ecfa4; --f64: #dd93c2; --in: #14181c;
      --good: #3ecfa4; --fair: #e0b040; --bad: #f07f6e; } }
    """

  private static let languages = """
    input[name=language] { position: absolute; opacity: 0; pointer-events: none; }
    #en:checked ~ main[lang="zh-CN"], #zh:checked ~ main[lang="en"] { display: none; }
    nav { max-width: 1160px; margin: 0 auto; padding: 12px 16px 0; display: flex; justify-content: flex-end; }
    nav label { border: 1px solid var(--line); padding: 3px 14px; font-size: .875rem; cursor: pointer;
      color: var(--soft); }
    nav label:first-child { border-radius: 6px 0 0 6px; border-right: 0; }
    nav label:last-child { border-radius: 0 6px 6px 0; }
    #en:checked ~ nav label[for=en], #zh:checked ~ nav label[for=zh] { background: var(--ink); color: var(--paper);
      border-color: var(--ink); }
    #en:focus-visible ~ nav label[for=en], #zh:focus-visible ~ nav label[for=zh] { outline: 3px solid var(--s8); }
    """

  private static let text = """
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI",
      "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif; }
    main { max-width: 1160px; margin: 0 auto; padding: 4px 16px 64px; }
    h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 4px; }
    h2 { font-size: 1.25rem; margin: 40px 0 8px; } h3 { font-size: 1rem; margin: 14px 0 4px; }
    p { margin: 6px 0; max-width: 76ch; overflow-wrap: anywhere; }
    ul { margin: 4px 0; padding-left: 20px; overflow-wrap: anywhere; }
    .lead { font-size: 1.15rem; } .soft { color: var(--soft); font-size: .875rem; }
    .verdict { border-left: 5px solid var(--fair); background: var(--card); padding: 4px 16px 10px; margin-top: 20px;
      border-radius: 4px; }
    .verdict.good { border-color: var(--good); } .verdict.bad { border-color: var(--bad); }
    .verdict h2 { margin-top: 12px; }
    .cards { display: grid; gap: 12px; margin-top: 20px; grid-template-columns: repeat(auto-fill, minmax(172px, 1fr)); }
    .card { background: var(--card); border-radius: 6px; padding: 12px; overflow-wrap: anywhere; min-width: 0; }
    .big { font-size: 1.2rem; font-weight: 650; white-space: nowrap; line-height: 1.3;
      font-variant-numeric: tabular-nums; }
    .mark { font-size: .8rem; color: var(--good); } .mark.doubtful { color: var(--fair); }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0; font-size: .9rem; }
    dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
    """

  private static let tables = """
    .scroll { overflow-x: auto; min-width: 0; margin-top: 8px; }
    table { border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; width: 100%; }
    th, td { text-align: left; vertical-align: top; padding: 5px 11px 5px 0; border-bottom: 1px solid var(--line); }
    th { color: var(--soft); font-weight: 600; vertical-align: bottom; white-space: nowrap; }
    td.n, td.tag, td:first-child { white-space: nowrap; } td.long { min-width: 17em; }
    td { word-break: keep-all; } td.v { min-width: 9em; }
    td.good { color: var(--good); } td.fair { color: var(--fair); } td.bad { color: var(--bad); }
    """

  private static let charts = """
    .grid { display: grid; gap: 20px 28px; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); }
    figure { margin: 12px 0 0; min-width: 0; max-width: 900px; }
    figure.half { max-width: 580px; } figure.bars { max-width: 400px; }
    figcaption { font-size: .875rem; font-weight: 600; margin-bottom: 6px; }
    svg { width: 100%; height: auto; display: block; } svg.narrow { display: none; }
    .t { font-size: 11px; fill: var(--ink); } .t.axis { fill: var(--soft); }
    .t.in { fill: var(--in); font-weight: 600; }
    .t.halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
    .s8 { --c: var(--s8); } .bf16 { --c: var(--bf16); } .f32 { --c: var(--f32); } .f64 { --c: var(--f64); }
    .neutral, .memory { --c: var(--soft); }
    .s8-text { fill: var(--s8); } .bf16-text { fill: var(--bf16); } .f32-text { fill: var(--f32); }
    .f64-text { fill: var(--f64); }
    line.grid { stroke: var(--line); stroke-width: 1; } line.axis { stroke: var(--soft); stroke-width: 1; }
    line.limit { stroke: var(--ink); stroke-width: 1.5; }
    .roof, .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
    .roof.f64 { stroke-dasharray: 5 4; } .line.dashed { stroke-dasharray: 6 4; stroke-width: 1.5; }
    .whisker { stroke: var(--c); stroke-width: 1.5; } .bar + .whisker { stroke: var(--ink); }
    .point, .bar { fill: var(--c); stroke: var(--c); stroke-width: 1.5; }
    .point.hollow { fill: var(--paper); } .bar.hollow { fill: var(--paper); stroke-dasharray: 4 2; }
    .lost { fill: var(--c); fill-opacity: .16; } .band { fill: var(--f64); fill-opacity: .18; }
    .field { fill: var(--c); fill-opacity: .26; }
    """

  private static let narrow = """
    @media (max-width: 640px) { svg.wide { display: none; } svg.narrow { display: block; }
      h1 { font-size: 1.5rem; } dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
      .cards { grid-template-columns: 1fr 1fr; } }
    """

  /// A4: light whatever the screen is, nothing cut, tables' heads on each page.
  private static let paper = """
    @page { size: A4; margin: 14mm 12mm; }
    @media print { :root { color-scheme: light; \(light) }
      body { font-size: 9.5pt; } nav { display: none; } main { max-width: none; padding: 0; }
      h2 { margin-top: 18pt; } h2, h3, figcaption { break-after: avoid; } figure, tr, .card, li, dt, dd { break-inside: avoid; }
      p { max-width: none; } .scroll { overflow: visible; } thead { display: table-header-group; }
      table { font-size: 7pt; } th, td { padding: 2.5pt 6pt 2.5pt 0; } th { white-space: normal; }
      td { overflow-wrap: anywhere; } td:first-child:not(.n) { white-space: normal; overflow-wrap: break-word; } td.v, td.long { min-width: 6em; }
      .grid { grid-template-columns: 1fr 1fr; } svg.wide { display: block; } svg.narrow { display: none; }
      .grid svg.wide { display: none; } .grid svg.narrow { display: block; }
      p:has(+ .grid), p:has(+ figure), p:has(+ .scroll) { break-after: avoid; }
      .cards { grid-template-columns: repeat(4, 1fr); }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
    """
}
