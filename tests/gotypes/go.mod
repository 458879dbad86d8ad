// Only says where the module is; what it needs is in modules/, one file per minor version.
module leadsman.dev/gotypes

go 1.26.0
