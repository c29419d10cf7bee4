// The page's style sheet. Colours are told apart by people with common colour blindness (Okabe and Ito, 2008).

enum HTMLStyle {
  static let sheet = """
    :root { color-scheme: light dark; --ink: #1d2126; --soft: #5c6670; --paper: #ffffff; --card: #f4f6f8;
      --line: #d8dee4; --s8: #0072b2; --bf16: #c2570c; --f32: #00825f; --f64: #a8558a; --in: #ffffff;
      --good: #00825f; --fair: #b07900; --bad: #c02f1d; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #9aa5b0; --paper: #14181c; --card: #1d2329;
      --line: #343c44; --s8: #56b4e9; --bf16: #f0a05a; --f32: #3ecfa4; --f64: #dd93c2; --in: #14181c;
      --good: #3ecfa4; --fair: #e0b040; --bad: #f07f6e; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
    main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 64px; }
    h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 4px; }
    h2 { font-size: 1.25rem; margin: 40px 0 8px; }
    p { margin: 6px 0; max-width: 76ch; }
    .lead { font-size: 1.15rem; } .soft { color: var(--soft); font-size: .875rem; }
    .verdict { border-left: 5px solid var(--fair); background: var(--card); padding: 4px 16px 8px; margin-top: 20px;
      border-radius: 4px; }
    .verdict.good { border-color: var(--good); } .verdict.bad { border-color: var(--bad); }
    .verdict h2 { margin-top: 12px; } .verdict ul { margin: 4px 0; padding-left: 20px; }
    .cards { display: grid; gap: 12px; margin-top: 20px; grid-template-columns: repeat(auto-fill, minmax(165px, 1fr)); }
    .card { background: var(--card); border-radius: 6px; padding: 12px; overflow-wrap: anywhere; min-width: 0; }
    .big { font-size: 1.2rem; font-weight: 650; white-space: nowrap; line-height: 1.3;
      font-variant-numeric: tabular-nums; }
    .grid { display: grid; gap: 20px; grid-template-columns: repeat(auto-fit, minmax(min(330px, 100%), 1fr)); }
    figure { margin: 0; min-width: 0; } figcaption { color: var(--soft); font-size: .875rem; margin-bottom: 4px; }
    figure.beside { max-width: 560px; margin: 8px 0 12px; }
    .scroll { overflow-x: auto; min-width: 0; }
    table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; width: 100%; }
    th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
    th { color: var(--soft); font-weight: 600; } td:last-child { white-space: normal; min-width: 8em; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0; font-size: .9rem; }
    dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
    svg { width: 100%; height: auto; display: block; }
    svg.narrow { display: none; }
    .t { font: 11px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; fill: var(--ink); }
    .t.axis { fill: var(--soft); } .t.in { fill: var(--in); font-weight: 600; }
    .grid line, line.grid { stroke: var(--line); stroke-width: 1; }
    line.limit { stroke: var(--ink); stroke-width: 1.5; }
    .roof { fill: none; stroke-width: 2; stroke: var(--ink); }
    .roof.s8 { stroke: var(--s8); } .roof.bf16 { stroke: var(--bf16); } .roof.f32 { stroke: var(--f32); }
    .roof.f64 { stroke: var(--f64); stroke-dasharray: 5 4; }
    .s8-text { fill: var(--s8); } .bf16-text { fill: var(--bf16); } .f32-text { fill: var(--f32); }
    .f64-text { fill: var(--f64); }
    .point, .bar { stroke-width: 1.5; }
    .point.s8, .bar.s8 { fill: var(--s8); stroke: var(--s8); }
    .point.bf16, .bar.bf16 { fill: var(--bf16); stroke: var(--bf16); }
    .point.f32, .bar.f32 { fill: var(--f32); stroke: var(--f32); }
    .point.hollow, .bar.hollow { fill: var(--paper); fill-opacity: .6; }
    .key { margin-right: 16px; white-space: nowrap; }
    .swatch { display: inline-block; width: 12px; height: 12px; border-radius: 6px; margin-right: 6px; }
    .swatch.s8 { background: var(--s8); } .swatch.bf16 { background: var(--bf16); }
    .swatch.f32 { background: var(--f32); }
    @media (max-width: 640px) { svg.wide { display: none; } svg.narrow { display: block; }
      h1 { font-size: 1.5rem; } dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
      .cards { grid-template-columns: 1fr 1fr; } }
    @media print { body { font-size: 10pt; } main { max-width: none; padding: 0; } h2 { break-after: avoid; }
      section, figure, tr { break-inside: avoid; } .scroll { overflow: visible; }
      section:has(table tr:nth-child(20)) { break-inside: auto; }
      * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
    """
}
