// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// routingTimeout bounds an answer of the kernel: one that never ends would hold a
// thread for ever.
const routingTimeout = time.Second

// SetRoute implements engine.Host.
func (Host) SetRoute(ctx context.Context, container model.Container, route model.Route) error {
	if !route.Via.IsValid() {
		return fmt.Errorf("set route %s of container %q: %w", route, container.Name, engine.ErrInvalid)
	}
	if err := changeRoutes(ctx, container, route, setRoute); err != nil {
		return fmt.Errorf("set route %s of container %q: %w", route, container.Name, withKind(err))
	}
	return nil
}

// RemoveRoute implements engine.Host.
func (Host) RemoveRoute(ctx context.Context, container model.Container, route model.Route) error {
	if err := changeRoutes(ctx, container, route, removeRoute); err != nil {
		return fmt.Errorf("remove route %s of container %q: %w", route, container.Name, withKind(err))
	}
	return nil
}

func changeRoutes(ctx context.Context, container model.Container, route model.Route, change func(*netlink.Handle, model.Route) error) error {
	if !route.IsIPv4() {
		return engine.ErrInvalid
	}
	owner, err := openProcess(ctx, container)
	if err != nil {
		return err
	}
	defer owner.close()
	return owner.inNetworkNamespace(func() error {
		return withRouting(func(kernel *netlink.Handle) error { return change(kernel, route) })
	})
}

// withRouting calls a function with a connection to the routing of the calling
// thread's namespace.
func withRouting(use func(*netlink.Handle) error) error {
	kernel, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open routing: %w", err)
	}
	defer kernel.Close()
	if err := kernel.SetSocketTimeout(routingTimeout); err != nil {
		return fmt.Errorf("bound routing in time: %w", err)
	}
	return use(kernel)
}

// ownRoutes returns the routes of the calling thread's namespace, sorted, without
// the kernel's own.
func ownRoutes() ([]model.Route, error) {
	var routes []model.Route
	err := withRouting(func(kernel *netlink.Handle) error {
		listed, err := listRoutes(kernel)
		for _, seen := range listed {
			if !isKernels(seen) {
				routes = append(routes, toModel(seen))
			}
		}
		return err
	})
	slices.SortFunc(routes, model.Route.Compare)
	return slices.Compact(routes), err
}

// listRoutes returns the IPv4 routes of the main table. Rules that lead to other
// tables, as routes, need rights that no decoy has.
func listRoutes(kernel *netlink.Handle) ([]netlink.Route, error) {
	listed, err := kernel.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	return listed, nil
}

// isKernels reports whether the kernel made a route when an interface got its
// address.
func isKernels(route netlink.Route) bool {
	return route.Protocol == unix.RTPROT_KERNEL
}

func toModel(route netlink.Route) model.Route {
	seen := model.Route{Destination: netip.PrefixFrom(netip.IPv4Unspecified(), 0)}
	if route.Dst != nil {
		address, _ := netip.AddrFromSlice(route.Dst.IP)
		ones, _ := route.Dst.Mask.Size()
		seen.Destination = netip.PrefixFrom(address.Unmap(), ones).Masked()
	}
	via, _ := netip.AddrFromSlice(route.Gw)
	seen.Via = via.Unmap()
	return seen
}

// setRoute replaces the first route to the destination, if there is one, and
// removes all others to it, such as those with another metric.
func setRoute(kernel *netlink.Handle, want model.Route) error {
	before, err := routesTo(kernel, want.Destination)
	switch {
	case err != nil:
		return err
	case slices.ContainsFunc(before, isKernels):
		return fmt.Errorf("%s is the subnet of an interface: %w", want.Destination, engine.ErrConflict)
	case len(before) == 1 && toModel(before[0]) == want:
		return nil
	}
	if err := replaceRoute(kernel, want); err != nil {
		return err
	}
	after, err := routesTo(kernel, want.Destination)
	if err != nil {
		return err
	}
	isWanted := func(seen netlink.Route) bool { return toModel(seen) == want && seen.Priority == 0 && seen.Tos == 0 }
	return deleteRoutes(kernel, slices.DeleteFunc(after, isWanted))
}

func replaceRoute(kernel *netlink.Handle, want model.Route) error {
	address := want.Destination.Addr()
	err := kernel.RouteReplace(&netlink.Route{
		Dst: &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(want.Destination.Bits(), address.BitLen())},
		Gw:  want.Via.AsSlice(),
	})
	switch {
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH):
		return fmt.Errorf("no interface leads to %s: %w: %w", want.Via, engine.ErrNotFound, err)
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%w: %w", engine.ErrInvalid, err)
	default:
		return err
	}
}

func routesTo(kernel *netlink.Handle, destination netip.Prefix) ([]netlink.Route, error) {
	listed, err := listRoutes(kernel)
	return slices.DeleteFunc(listed, func(seen netlink.Route) bool { return toModel(seen).Destination != destination }), err
}

func removeRoute(kernel *netlink.Handle, unwanted model.Route) error {
	listed, err := listRoutes(kernel)
	if err != nil {
		return err
	}
	return deleteRoutes(kernel, slices.DeleteFunc(listed, func(seen netlink.Route) bool {
		return isKernels(seen) || toModel(seen) != unwanted
	}))
}

// deleteRoutes deletes routes as they were listed. One that is gone meanwhile is
// success.
func deleteRoutes(kernel *netlink.Handle, routes []netlink.Route) error {
	for _, seen := range routes {
		if err := kernel.RouteDel(&seen); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}
