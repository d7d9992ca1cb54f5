# Installs pipeloom for this user, or brings it up to date, without an administrator:
#
#   irm https://github.com/pipeloom/pipeloom/releases/latest/download/install.ps1 | iex
#
# PIPELOOM_INSTALL_DIR  where the executable goes; %LOCALAPPDATA%\Programs\pipeloom otherwise
# PIPELOOM_VERSION      a version such as 0.1.0; the latest otherwise
# PIPELOOM_RELEASES     where releases are, for a mirror
#
# For Windows PowerShell 5.1 and later. The last line calls the functions above it, so a truncated download of this file
# does nothing.

function Install-Pipeloom {
  $ErrorActionPreference = 'Stop'
  # The progress bar of Windows PowerShell slows downloads down many times.
  $ProgressPreference = 'SilentlyContinue'
  [Net.ServicePointManager]::SecurityProtocol =
    [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

  $releases = 'https://github.com/pipeloom/pipeloom/releases'
  if ($env:PIPELOOM_RELEASES) { $releases = $env:PIPELOOM_RELEASES }
  $folder = Join-Path $env:LOCALAPPDATA 'Programs\pipeloom'
  if ($env:PIPELOOM_INSTALL_DIR) { $folder = $env:PIPELOOM_INSTALL_DIR }
  $from = "$releases/latest/download"
  if ($env:PIPELOOM_VERSION) { $from = "$releases/download/v$($env:PIPELOOM_VERSION -replace '^v', '')" }
  $archive = "pipeloom-windows-$(Get-PipeloomArchitecture).tar.gz"

  $work = Join-Path ([IO.Path]::GetTempPath()) "pipeloom-$([Guid]::NewGuid())"
  New-Item -ItemType Directory -Force $work | Out-Null
  try {
    Write-Host "downloading $from/$archive"
    Get-PipeloomFile "$from/SHA256SUMS" "$work\SHA256SUMS"
    Get-PipeloomFile "$from/$archive" "$work\$archive"
    Assert-PipeloomChecksum $work $archive
    Expand-PipeloomArchive "$work\$archive" $work
    Move-PipeloomInto $folder "$work\pipeloom.exe"
    Add-PipeloomToPath $folder
    Write-Host 'next: pipeloom demo -n 10'
  }
  finally {
    Remove-Item -Recurse -Force $work -ErrorAction SilentlyContinue
  }
}

# In a 32-bit or emulated shell, PROCESSOR_ARCHITEW6432 has the real processor.
function Get-PipeloomArchitecture {
  $architecture = $env:PROCESSOR_ARCHITECTURE
  if ($env:PROCESSOR_ARCHITEW6432) { $architecture = $env:PROCESSOR_ARCHITEW6432 }
  switch ($architecture) {
    'AMD64' { return 'x64' }
    'ARM64' { return 'arm64' }
    default { throw "there is no pipeloom for $architecture; it runs on x86-64 and on 64-bit ARM" }
  }
}

function Get-PipeloomFile([string] $Url, [string] $File) {
  try {
    Invoke-WebRequest -UseBasicParsing $Url -OutFile $File
  }
  catch {
    throw "cannot download ${Url}: $($_.Exception.Message); nothing was installed"
  }
}

function Assert-PipeloomChecksum([string] $Work, [string] $Archive) {
  $line = Get-Content "$Work\SHA256SUMS" | Where-Object { ($_ -split ' +')[1] -eq $Archive }
  if (-not $line) { throw "SHA256SUMS does not name $Archive; nothing was installed" }
  $wanted = ($line -split ' +')[0]
  $got = (Get-FileHash -Algorithm SHA256 "$Work\$Archive").Hash
  if ($got -ne $wanted) {
    throw "$Archive is not what was released: expected $wanted, received $got; nothing was installed"
  }
}

# The tar of Windows (since 2018), by its path: a GNU tar earlier on the PATH takes "C:" for a host name.
function Expand-PipeloomArchive([string] $Archive, [string] $Folder) {
  & "$env:SystemRoot\System32\tar.exe" -xzf $Archive -C $Folder
  if ($LASTEXITCODE -ne 0) { throw "cannot unpack $Archive; nothing was installed" }
}

# Windows can rename a running executable, but not overwrite it.
function Move-PipeloomInto([string] $Folder, [string] $New) {
  New-Item -ItemType Directory -Force $Folder | Out-Null
  $version = & $New --version
  if ($LASTEXITCODE -ne 0) { throw 'the executable does not start here; nothing was installed' }
  $executable = Join-Path $Folder 'pipeloom.exe'
  $aside = Join-Path $Folder '.pipeloom.exe.old'
  $before = $null
  if (Test-Path $executable) {
    $before = & $executable --version
    Remove-Item -Force $aside -ErrorAction SilentlyContinue
    Move-Item -Force $executable $aside
  }
  try {
    Move-Item -Force $New $executable
  }
  catch {
    if (Test-Path $aside) { Move-Item -Force $aside $executable }
    throw
  }
  if (-not $before) { Write-Host "installed $version -> $executable" }
  elseif ($before -eq $version) { Write-Host "installed $version again -> $executable" }
  else { Write-Host "upgraded $before to $version -> $executable" }
}

function Add-PipeloomToPath([string] $Folder) {
  $path = [Environment]::GetEnvironmentVariable('Path', 'User')
  if (($path -split ';') -contains $Folder) { return }
  [Environment]::SetEnvironmentVariable('Path', (@($path, $Folder) -ne '' -join ';'), 'User')
  $env:Path = "$env:Path;$Folder"
  Write-Host "added $Folder to your PATH; terminals that are open see it after a restart"
}

Install-Pipeloom
