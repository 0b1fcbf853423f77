# SPDX-License-Identifier: MIT
"""kvm_stat's own functions on a host of files.

    peer_kvm_stat.py KVM_STAT DEBUGFS read READS	prints the CPU seconds of one read, and how many values it has
    peer_kvm_stat.py KVM_STAT DEBUGFS once		kvm_stat -1 -d
"""
import importlib.machinery
import importlib.util
import sys
import time


def load(path, debugfs):
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("kvm_stat", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("kvm_stat", loader))
    loader.exec_module(module)
    # It knows no processor without vmx and svm, and dies of that; the files here are of another one anyhow.
    module.ARCH = module.ArchS390()
    module.PATH_DEBUGFS_KVM = debugfs + "/kvm"
    module.PATH_DEBUGFS_TRACING = debugfs + "/tracing"
    module.assign_globals = lambda: None
    return module


def main(path, debugfs, what, reads="1"):
    module = load(path, debugfs)
    if what == "once":
        sys.argv = ["kvm_stat", "-1", "-d"]
        module.main()
        return
    provider = module.DebugfsProvider(None, None, True)
    provider.pid = 0
    values = provider.read()
    begun = time.process_time()
    for _ in range(int(reads)):
        provider.read()
    print((time.process_time() - begun) / int(reads), len(values))


if __name__ == "__main__":
    main(*sys.argv[1:])
