//! Addresses, networks and URLs: Kubernetes' libraries `net.ip`, `net.cidr` and `urls`.

use std::net::IpAddr;
use std::rc::Rc;

use super::super::EvalError;
use super::super::data::Data;
use super::super::eval::{Outcome, no_overload};
use super::super::value::Val;
use super::{Arguments, Function};
use crate::schema::ip::{self, Network};
use crate::schema::url::{self, Url};

fn address(text: &str) -> Outcome<IpAddr> {
    ip::parse(text).ok_or_else(|| EvalError::refused(format!("{text:?} is no IP address")))
}

fn network(text: &str) -> Outcome<Network> {
    ip::parse_network(text).ok_or_else(|| EvalError::refused(format!("{text:?} is no CIDR")))
}

pub(super) fn call<'v, D: Data<'v>>(function: Function, arguments: &Arguments<'v, D>) -> Outcome<Val<'v, D>> {
    use Function as F;
    Ok(match function {
        F::Ip => Val::Ip(address(arguments.text(0)?)?),
        F::IsIp => Val::Bool(ip::parse(arguments.text(0)?).is_some()),
        F::IsCanonicalIp => {
            let text = arguments.text(0)?;
            Val::Bool(address(text)?.to_string() == text)
        }
        F::Cidr => Val::Network(network(arguments.text(0)?)?),
        F::IsCidr => Val::Bool(ip::parse_network(arguments.text(0)?).is_some()),
        F::Url => {
            let text = arguments.text(0)?;
            Val::Url(Rc::new(Url::parse(text).ok_or_else(|| EvalError::refused(format!("{text:?} is no URL")))?))
        }
        F::IsUrl => Val::Bool(url::is_request_uri(arguments.text(0)?)),
        _ => match arguments.get(0)? {
            Val::Ip(address) => of_address(function, *address)?,
            Val::Network(network) => of_network(function, *network, arguments)?,
            Val::Url(url) => of_url(function, url)?,
            _ => return Err(no_overload()),
        },
    })
}

fn of_address<'v, D>(function: Function, address: IpAddr) -> Outcome<Val<'v, D>> {
    use Function as F;
    Ok(Val::Bool(match function {
        F::Family => return Ok(Val::Int(if address.is_ipv4() { 4 } else { 6 })),
        F::IsUnspecified => address.is_unspecified(),
        F::IsLoopback => address.is_loopback(),
        F::IsLinkLocalMulticast => ip::is_link_local_multicast(address),
        F::IsLinkLocalUnicast => ip::is_link_local_unicast(address),
        F::IsGlobalUnicast => ip::is_global_unicast(address),
        _ => return Err(no_overload()),
    }))
}

fn of_network<'v, D: Data<'v>>(function: Function, net: Network, arguments: &Arguments<'v, D>) -> Outcome<Val<'v, D>> {
    Ok(match function {
        Function::ContainsIp => Val::Bool(net.contains(match arguments.get(1)? {
            Val::Ip(address) => *address,
            Val::Text(text) => address(text)?,
            _ => return Err(no_overload()),
        })),
        Function::ContainsCidr => Val::Bool(net.contains_network(match arguments.get(1)? {
            Val::Network(network) => *network,
            Val::Text(text) => network(text)?,
            _ => return Err(no_overload()),
        })),
        Function::NetworkIp => Val::Ip(net.address),
        Function::PrefixLength => Val::Int(i64::from(net.bits)),
        Function::Masked => Val::Network(net.masked()),
        _ => return Err(no_overload()),
    })
}

fn of_url<'v, D: Data<'v>>(function: Function, url: &Url) -> Outcome<Val<'v, D>> {
    let text = match function {
        Function::UrlScheme => url.scheme.clone(),
        Function::UrlHost => url.host.clone(),
        Function::UrlHostname => url.host_and_port().0.to_owned(),
        Function::UrlPort => url.host_and_port().1.to_owned(),
        Function::UrlPath => url.escaped_path.clone(),
        Function::UrlQuery => {
            let values =
                url.query_values().into_iter().map(|(key, values)| (Val::Text(key.into()), Val::texts(values)));
            return Ok(Val::Map(Rc::new(values.collect())));
        }
        _ => return Err(no_overload()),
    };
    Ok(Val::Text(text.into()))
}
