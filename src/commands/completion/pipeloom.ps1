# Completion of pipeloom for PowerShell. In $PROFILE:
#
#   pipeloom completions powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName pipeloom, pipeloom.exe -ScriptBlock {
  param($word, $ast, $cursor)

  $words = @($ast.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursor } | ForEach-Object { "$_" })
  $program = $words[0]
  $before = @($words | Select-Object -Skip 1)
  if ($word -ne '' -and $before.Count -gt 0) {
    $before = @($before | Select-Object -First ($before.Count - 1))
  }

  foreach ($line in @(& $program __complete "--current=$word" -- @before 2>$null)) {
    if ($line -eq ':words') { continue }
    if ($line -like ':*') {
      $extensions = @($line -split ' ' | Select-Object -Skip 1 | ForEach-Object { ".$_" })
      foreach ($file in [Management.Automation.CompletionCompleters]::CompleteFilename($word)) {
        $isFolder = $file.ResultType -eq 'ProviderContainer'
        $extension = [IO.Path]::GetExtension($file.ListItemText)
        $fits = $line -like ':files*' -and ($extensions.Count -eq 0 -or $extensions -contains $extension)
        if ($isFolder -or $fits) { $file }
      }
      continue
    }
    $text, $what = $line -split "`t", 2
    if (-not $what) { $what = $text }
    [Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $what)
  }
}
